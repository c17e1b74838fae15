// Filters messages by the hash codes of their tags. The consumer compares the tags themselves.
import { javaHashCode } from '@nest-rocketmq/remoting/internal';

export const SUB_ALL = '*';

/** Tells whether a message matches, by the hash code of its tags. */
export type TagFilter = (tagsCode: number) => boolean;

export const everything: TagFilter = () => true;

/** `'*'`, or tags with `||` between them. */
export function tagFilter(subString: string): TagFilter {
  const tags = subString.split('||').map((tag) => tag.trim());
  const named = tags.filter((tag) => tag !== '');
  if (named.length === 0 || subString.trim() === SUB_ALL) return everything;
  const codes = new Set(named.map(javaHashCode));
  return (tagsCode) => codes.has(tagsCode);
}

/** Whether the expression chooses by tags; an absent type means so. */
export function isTagType(expressionType: string | undefined): boolean {
  return expressionType === undefined || expressionType === '' || expressionType === 'TAG';
}
