// Package curated reads a curated Markdown list the way a human editor would, and tells what changed in it.
//
// Parse turns bytes into a List, and Explain says why each link became an entry or not. Diff compares a List with what is
// known of it, which a Memory keeps where no store does. CanonicalURL gives the key by which two addresses are one resource,
// and Guard says when a reading is too strange to be believed. The package does no I/O, keeps no state of its own and never
// fails on bytes. Markdown is read as CommonMark 0.31 (https://spec.commonmark.org/0.31.2/) and GitHub Flavored Markdown
// 0.29 (https://github.github.com/gfm/) say, after what is broken in it was mended.
package curated

// Version counts the changes to how lists are read. After one, the entries of a list may differ though nobody changed it:
// what was read by an earlier version is compared in silence, once.
const Version = 2
