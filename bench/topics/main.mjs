// `npm run build && node bench/topics/main.mjs`: see ../README.md.
import { launch } from '../launch.mjs';

await launch('topics/run.js');
