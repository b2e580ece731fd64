// The canvas: a photo that is zoomed and moved, with its marks. Places are pixels of the photo at full size.

import { twoDigits } from "./session.js";

const CLOSEST = 40;
const GRAB = 9;

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.images = { colored: null, original: null, unsure: null };
    this.divider = null;
    this.marks = [];
    this.selected = null;
    this.cross = null;
    this.size = { width: 1, height: 1 };
    this.changed = false;
    new ResizeObserver(() => { if (this.isFitted) this.fit(); else this.draw(); }).observe(canvas);
  }

  open(size) {
    this.size = size;
    this.cross = { x: Math.floor(size.width / 2), y: Math.floor(size.height / 2) };
    this.show({ colored: null, original: null, unsure: null });
    this.fit();
  }

  // Show other images, and free those that they replace.
  show(images) {
    for (const name of Object.keys(images)) this.images[name]?.close();
    Object.assign(this.images, images);
    this.draw();
  }

  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    this.isFitted = true;
    this.least = Math.min(clientWidth / this.size.width, clientHeight / this.size.height);
    this.scale = this.least;
    this.left = (clientWidth - this.size.width * this.scale) / 2;
    this.top = (clientHeight - this.size.height * this.scale) / 2;
    this.draw();
  }

  zoom(factor, at = { x: this.canvas.clientWidth / 2, y: this.canvas.clientHeight / 2 }) {
    const scale = Math.min(Math.max(this.scale * factor, this.least / 2), Math.max(CLOSEST, this.least));
    this.left = at.x - (at.x - this.left) * (scale / this.scale);
    this.top = at.y - (at.y - this.top) * (scale / this.scale);
    this.scale = scale;
    this.isFitted = false;
    this.draw();
  }

  move(right, down) {
    this.left += right;
    this.top += down;
    this.isFitted = false;
    this.draw();
  }

  // The place of the photo at a place of the canvas, or null beside the photo.
  placeAt({ x, y }, nearest = false) {
    const at = { x: Math.floor((x - this.left) / this.scale), y: Math.floor((y - this.top) / this.scale) };
    const inside = { x: clamp(at.x, 0, this.size.width - 1), y: clamp(at.y, 0, this.size.height - 1) };
    return nearest || (inside.x === at.x && inside.y === at.y) ? inside : null;
  }

  onCanvas(x, y) {
    return { x: this.left + (x + 0.5) * this.scale, y: this.top + (y + 0.5) * this.scale };
  }

  // The last mark at a place of the canvas, or null.
  markAt({ x, y }) {
    return this.marks.findLast((mark) => {
      const places = placesOf(mark).map(([column, row]) => this.onCanvas(column, row));
      const apart = places.map((place, index) => distance({ x, y }, place, places[index + 1] ?? place));
      return Math.min(...apart) <= Math.max(GRAB, mark.radius * this.scale);
    }) ?? null;
  }

  // Show the cross; if it is outside the canvas, move the view.
  showCross() {
    const at = this.onCanvas(this.cross.x, this.cross.y);
    const { clientWidth, clientHeight } = this.canvas;
    const off = (value, most) => (value < 20 ? 20 - value : value > most - 20 ? most - 20 - value : 0);
    const [right, down] = [off(at.x, clientWidth), off(at.y, clientHeight)];
    if (right || down) this.move(right, down);
    else this.draw();
  }

  // The colour that is shown at a place, as hex.
  colorAt({ x, y }) {
    const image = this.images.colored ?? this.images.original;
    if (!image) return "#808080";
    const one = new OffscreenCanvas(1, 1).getContext("2d");
    one.drawImage(image, Math.floor((x * image.width) / this.size.width), Math.floor((y * image.height) / this.size.height), 1, 1, 0, 0, 1, 1);
    return `#${[...one.getImageData(0, 0, 1, 1).data.slice(0, 3)].map(twoDigits).join("")}`;
  }

  draw() {
    if (this.changed) return;
    this.changed = true;
    requestAnimationFrame(() => {
      this.changed = false;
      this.paint();
    });
  }

  paint() {
    const { canvas, context, images } = this;
    const dense = devicePixelRatio;
    const [width, height] = [Math.round(canvas.clientWidth * dense), Math.round(canvas.clientHeight * dense)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!images.original) return;
    context.imageSmoothingQuality = "high";
    this.image(images.colored ?? images.original);
    if (images.unsure) this.image(images.unsure);
    if (this.divider !== null) this.compare();
    for (const mark of this.marks) this.mark(mark);
    if (document.activeElement === canvas) this.drawCross();
  }

  image(image) {
    this.context.drawImage(image, this.left, this.top, this.size.width * this.scale, this.size.height * this.scale);
  }

  compare() {
    const { context, canvas } = this;
    const at = this.left + this.divider * this.size.width * this.scale;
    context.save();
    context.beginPath();
    context.rect(0, 0, at, canvas.clientHeight);
    context.clip();
    this.image(this.images.original);
    context.restore();
    context.fillStyle = "#fff";
    context.fillRect(at - 1, this.top, 2, this.size.height * this.scale);
  }

  mark(mark) {
    const { context } = this;
    const chosen = mark.id === this.selected;
    const places = placesOf(mark).map(([x, y]) => this.onCanvas(x, y));
    const half = Math.max(chosen ? 6 : 4, mark.radius * this.scale);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    for (const { x, y } of places) context.lineTo(x, y);
    if (places.length === 1) context.lineTo(places[0].x, places[0].y + 0.01);
    for (const [width, style] of [[2 * half + 4, "#000"], [2 * half + (chosen ? 2.5 : 1.5), "#fff"], [2 * half - 1, mark.color ?? "#808080"]]) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }

  drawCross() {
    const { context } = this;
    const at = this.onCanvas(this.cross.x, this.cross.y);
    for (const [width, style] of [[3, "#000"], [1, "#fff"]]) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.beginPath();
      for (const [right, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(at.x + 4 * right, at.y + 4 * down);
        context.lineTo(at.x + 14 * right, at.y + 14 * down);
      }
      context.stroke();
    }
  }
}

// How far a place is from the line between two others.
function distance(place, start, end) {
  const [x, y] = [end.x - start.x, end.y - start.y];
  const share = clamp(((place.x - start.x) * x + (place.y - start.y) * y) / (x * x + y * y || 1), 0, 1);
  return Math.hypot(place.x - start.x - share * x, place.y - start.y - share * y);
}

export function placesOf(mark) {
  return mark.path ?? [[mark.x, mark.y]];
}

export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
