// Package mailer brings one message onto the wire: it composes MIME (RFC 5322, 2045, 2047; RFC 2369, 2919, 5064 and 8058 for
// the headers of a list), signs it (DKIM: RFC 6376, 8463) and delivers it over SMTP (RFC 5321, 1870, 2920, 3207, 4954, 6152, 6531)
// or into a folder. go-mail/mail and DKIM's library are used here and nowhere else.
package mailer
