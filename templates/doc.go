// Package templates says things to people: the pages, the issue and the confirmation as HTML and text. Templates are
// embedded, parsed and tried at start, so a broken one stops the program then.
//
// Pages need no script and meet WCAG 2.2 AA. A mail is a pair of twins for multipart/alternative (RFC 2046, 5.1.4): text
// in lines of at most 76 columns that holds every link, and HTML of tables and inline styles, under 100 KB, that loads
// nothing from anywhere.
package templates
