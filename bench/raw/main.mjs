// `npm run build && node bench/raw/main.mjs`: see ../README.md.
import { launch } from '../launch.mjs';

await launch('raw/run.js');
