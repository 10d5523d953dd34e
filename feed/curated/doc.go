// Package curated reads a curated Markdown list the way a human editor would, and tells what changed in it.
//
// Parse turns bytes into a List, Diff compares a List with what is known of it, CanonicalURL gives the key by which two
// addresses are one resource, and Guard says when a reading is too strange to be believed. The package does no I/O, keeps
// no state and never fails on bytes.
package curated

// Version counts the changes to how lists are read. After one, the entries of a list may differ though nobody changed it:
// what was read by an earlier version is compared in silence, once.
const Version = 2
