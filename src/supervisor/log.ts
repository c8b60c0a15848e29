import { finished } from 'node:stream';
import pc from 'picocolors';
import winston from 'winston';
import { type Clock, systemClock } from '../lib/clock.ts';
import { createLogger, type Logger, type LogLevel } from '../lib/logger.ts';
import { createRecordFormat } from './log-format.ts';
