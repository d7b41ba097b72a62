/** @file The one place that knows which rendering library is used. */
import { h, render, Fragment } from '../vendor/preact.mjs';
import { useState, useEffect, useLayoutEffect, useRef, useMemo } from '../vendor/hooks.mjs';
import { signal, computed, effect, batch } from '../vendor/signals.mjs';
import htm from '../vendor/htm.mjs';

/** Tagged template that makes elements: html`<b>${text}</b>`. */
export const html = htm.bind(h);
export { render, Fragment, useState, useEffect, useLayoutEffect, useRef, useMemo };
export { signal, computed, effect, batch };
