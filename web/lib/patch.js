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

/** @param {any} node @param {string[]} path @param {number} depth @param {Operation} operation */
function change(node, path, depth, operation) {
  if (depth === path.length) {
    if (operation.op === 'remove') throw new PatchError('the whole document cannot be removed');
    return operation.value;
  }
  if (node === null || typeof node !== 'object') throw new PatchError(`no member at ${operation.path}`);
  const token = path[depth];
  const isLast = depth === path.length - 1;
  if (Array.isArray(node)) {
    const copy = node.slice();
    const index = position(node, token, isLast && operation.op === 'add');
    if (!isLast) copy[index] = change(node[index], path, depth + 1, operation);
    else if (operation.op === 'add') copy.splice(index, 0, operation.value);
    else if (operation.op === 'remove') copy.splice(index, 1);
    else copy[index] = operation.value;
    return copy;
  }
  const has = Object.hasOwn(node, token);
  if (!has && !(isLast && operation.op === 'add')) throw new PatchError(`no member at ${operation.path}`);
  if (isLast && operation.op === 'remove') {
    const { [token]: _, ...rest } = node;
    return rest;
  }
  return { ...node, [token]: isLast ? operation.value : change(node[token], path, depth + 1, operation) };
}

/**
 * @param {any} document
 * @param {Operation[]} operations
 * @returns {any} the changed document
 */
export function patched(document, operations) {
  let result = document;
  for (const operation of operations) {
    if (!['add', 'remove', 'replace'].includes(operation.op)) throw new PatchError(`unknown operation ${operation.op}`);
    result = change(result, tokens(operation.path), 0, operation);
  }
  return result;
}
