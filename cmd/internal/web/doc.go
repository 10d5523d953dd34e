// Package web answers HTTP: the static tree as it was published, with validators, compression and the media types that
// feed readers and browsers want (RFC 9110, RFC 9111), and, for a reader that names the version it has, only what is new
// since then (RFC 3229); under /-/ what needs the program: sign-up, confirmation, one-click unsubscription (RFC 8058),
// preferences, and acts that are confirmed by mail; and whether the program works, and how (Prometheus).
package web
