/**
 * @file RFC 6902 patches (add, remove, replace) on plain JSON values.
 *
 * The document is never changed in place: what a patch does not touch keeps its identity, so that a reader can compare
 * by `===` and a patch that fails halfway leaves nothing behind.
 */

/** @typedef {{op: 'add'|'remove'|'replace', path: string, value?: any}} Operation */

/** A patch that does not fit its document; the reader has to ask for a snapshot. */
export class PatchError extends Error {}

/** @param {string} path a JSON pointer @returns {string[]} */
function tokens(path) {
  if (path === '') return [];
  if (path[0] !== '/') throw new PatchError(`not a pointer: ${path}`);
  return path.slice(1).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** @param {any[]} list @param {string} token @param {boolean} isAdd @returns {number} */
function position(list, token, isAdd) {
  if (token === '-' && isAdd) return list.length;
  const index = Number(token);
  const end = isAdd ? list.length : list.length - 1;
  if (!/^(0|[1-9]\d*)$/.test(token) || index > end) throw new PatchError(`no element ${token}`);
  return index;
}

/**
 * A container that may be changed: a copy, unless this patch made it.
 * @param {object} node @param {WeakSet<object>} own
 */
function ownCopy(node, own) {
  if (own.has(node)) return node;
  const copy = Array.isArray(node) ? node.slice() : { ...node };
  own.add(copy);
  return copy;
}

/** @param {any} node @param {string[]} path @param {number} depth @param {Operation} operation @param {WeakSet<object>} own */
function change(node, path, depth, operation, own) {
  if (depth === path.length) {
    if (operation.op === 'remove') throw new PatchError('the whole document cannot be removed');
    return operation.value;
  }
  if (node === null || typeof node !== 'object') throw new PatchError(`no member at ${operation.path}`);
  const token = path[depth];
  const isLast = depth === path.length - 1;
  const isAdd = isLast && operation.op === 'add';
  if (!Array.isArray(node) && !isAdd && !Object.hasOwn(node, token)) throw new PatchError(`no member at ${operation.path}`);
  const key = Array.isArray(node) ? position(node, token, isAdd) : token;
  const copy = ownCopy(node, own);
  if (!isLast) copy[key] = change(node[key], path, depth + 1, operation, own);
  else if (Array.isArray(copy) && operation.op === 'add') copy.splice(key, 0, operation.value);
  else if (Array.isArray(copy) && operation.op === 'remove') copy.splice(key, 1);
  else if (operation.op === 'remove') delete copy[key];
  else copy[key] = operation.value;
  return copy;
}

/**
 * @param {any} document
 * @param {Operation[]} operations
 * @returns {any} the changed document
 */
export function patched(document, operations) {
  const own = new WeakSet();
  let result = document;
  for (const operation of operations) {
    if (!['add', 'remove', 'replace'].includes(operation.op)) throw new PatchError(`unknown operation ${operation.op}`);
    result = change(result, tokens(operation.path), 0, operation, own);
  }
  return result;
}
