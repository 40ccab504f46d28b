// SPDX-License-Identifier: Apache-2.0
// Elements, without ever reading text as HTML.

export function element(name, kind, ...children) {
  const made = document.createElement(name);
  if (kind)
    made.className = kind;
  made.append(...children);
  return made;
}

// Only what has changed costs a layout.
export function setText(node, text) {
  if (node.textContent !== text)
    node.textContent = text;
}

export function find(id) {
  return document.getElementById(id);
}
