// The topics as a tree of levels: what is open, what matches, and which rows there are. No drawing here.
import { filterMatches, filterProblem } from "./topics.js";

const CLOSED_FROM = 300; // with more topics than this, new branches start closed

export class TopicModel {
  constructor() {
    this.clear();
    this.filter = "";
    this.only = false;
  }

  clear() {
    this.root = { path: null, name: "", depth: -1, children: new Map(), open: true, topic: null, topics: 0, found: 0 };
    this.nodes = new Map();
    this.count = 0;
    this.hits = 0;
    this.stale = true;
  }

  /** Take in topics: { name: [value, count, qos, retained] }. */
  put(topics) {
    for (const [name, topic] of Object.entries(topics)) {
      const node = this.nodes.get(name) ?? this.grow(name);
      if (!node.topic) this.addTopic(node);
      node.topic = topic;
    }
  }

  addTopic(node) {
    this.count += 1;
    this.stale = true;
    node.hit = this.matches(node.path);
    this.hits += node.hit ? 1 : 0;
    for (let at = node; at; at = at.parent) {
      at.topics += 1;
      at.found += node.hit ? 1 : 0;
    }
  }

  grow(name) {
    let at = this.root;
    const levels = name.split("/");
    levels.forEach((level, depth) => {
      if (!at.children.has(level)) at.children.set(level, this.makeNode(at, levels, depth));
      at = at.children.get(level);
    });
    return at;
  }

  makeNode(parent, levels, depth) {
    const path = levels.slice(0, depth + 1).join("/");
    const open = this.count < CLOSED_FROM;
    const node = { path, name: levels[depth], depth, parent, children: new Map(), open, topic: null, topics: 0, found: 0, hit: false };
    this.nodes.set(path, node);
    parent.order = null;
    this.stale = true;
    return node;
  }

  setFilter(filter, only) {
    this.filter = filter;
    this.only = only;
    this.problem = filter ? filterProblem(filter) : "";
    this.hits = 0;
    for (const node of this.nodes.values()) {
      node.found = 0;
      node.hit = node.topic !== null && this.matches(node.path);
    }
    for (const node of this.nodes.values()) {
      if (!node.hit) continue;
      this.hits += 1;
      for (let at = node; at !== this.root; at = at.parent) at.found += 1; // a closed branch tells what it holds
    }
    this.stale = true;
  }

  matches(path) {
    return this.filter !== "" && !this.problem && filterMatches(this.filter, path);
  }

  toggle(node, open = !node.open) {
    if (!node.children.size || node.open === open) return;
    node.open = open;
    this.stale = true;
  }

  openAll(open) {
    for (const node of this.nodes.values()) node.open = open;
    this.stale = true;
  }

  /** The rows that are to be seen, top to bottom. Computed anew only when the tree's shape changed. */
  rows() {
    if (this.stale) {
      const wanted = this.only && this.filter && !this.problem ? this.branchesWithHits() : null;
      this.list = [];
      this.addRows(this.root, wanted);
      this.list.forEach((node, index) => { node.index = index; });
      this.stale = false;
    }
    return this.list;
  }

  branchesWithHits() {
    const wanted = new Set();
    for (const node of this.nodes.values()) {
      if (!node.hit) continue;
      for (let at = node; at && !wanted.has(at); at = at.parent) wanted.add(at);
    }
    return wanted;
  }

  addRows(parent, wanted) {
    parent.order ??= [...parent.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = wanted ? parent.order.filter((node) => wanted.has(node)) : parent.order;
    shown.forEach((node, i) => {
      node.place = i + 1;
      node.siblings = shown.length;
      this.list.push(node);
      if (node.open || wanted) this.addRows(node, wanted);
    });
  }
}
