/** A Node.js child that does nothing: what a worker's memory is compared with. */

process.on('message', () => {});
process.on('disconnect', () => process.exit(0));
