// `npm run build && node bench/backlog/main.mjs`: see ../README.md.
import { launch } from '../launch.mjs';

await launch('backlog/run.js');
