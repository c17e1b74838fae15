// `npm run bench:send`: see ../README.md.
import { launch } from '../launch.mjs';

await launch('send/run.js');
