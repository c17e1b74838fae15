// Names the files of the index as Apache does: by the local time, yyyyMMddHHmmssSSS.

/**
 * Names are in the order of the files, whatever the clock says.
 * @param time ms since the epoch
 * @param lastPath of the newest file, if there is one
 */
export function indexFileName(time: number, lastPath: string | undefined): string {
  const name = localTime(time);
  const lastName = lastPath?.slice(lastPath.lastIndexOf('/') + 1);
  // The clock was turned back, or two files are made within a millisecond.
  return lastName === undefined || name > lastName ? name : String(BigInt(lastName) + 1n);
}

function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return (
    `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}${two(date.getHours())}` +
    `${two(date.getMinutes())}${two(date.getSeconds())}${String(date.getMilliseconds()).padStart(3, '0')}`
  );
}
