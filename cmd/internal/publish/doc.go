// Package publish writes the static tree: feeds and pages, derived from the store and never read back, so that a crash
// between the two is healed by the next publication.
//
// A reader never sees half a file: each is written beside its place, synced and renamed. A file whose bytes would be the
// same is not touched. What a killed publication left beside is removed by the next one that looks at everything.
//
// Beside a text file stand its sidecars: the same bytes in gzip (RFC 1952), Brotli (RFC 7932) and zstd (RFC 8878), with the
// file's own modification time. A sidecar with another time belongs to an earlier version, and is made anew.
//
// What a feed has no room for any more stands in archive documents (RFC 5005, 4), of which the full ones never change: the
// store keeps what they held.
//
// Two publications of one file lie at least a second apart, because HTTP dates have no more, and a reader that asks "anything
// since?" would miss the second one; the later waits.
//
// Hub tells a WebSub hub (https://www.w3.org/TR/websub/) which feeds were published.
//
// The tree may share its folder with other files. The hidden file .linkletter in the tree's folder, and in each list's
// and digest's, names what Linkletter wrote there; nothing else is ever overwritten or removed. A name is noted down
// before its file is written, so a crash leaves nothing behind that belongs to nobody. Where another's file stands in a
// place that a list, a digest or the root needs, that part is not written at all, and the error says which file it is.
// (The same bytes are no trouble: they are taken over, as after the loss of .linkletter.)
//
// Publications come one after the other, whichever process they are of: each holds a lock on the hidden file
// .linkletter.lock. Otherwise one could rewrite a manifest that another has just noted a name in, and the file of that
// name would belong to nobody for ever after.
//
// Pages say on which day a list was last checked and found readable, not at what time: every check would change them
// otherwise, and with them what caches hold. That day tells readers how old a page is even when no program runs any more.
// Feeds do not depend on the check at all.
package publish
