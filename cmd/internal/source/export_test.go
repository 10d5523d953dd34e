package source

import "net/url"

// Understand gives the addresses behind a pasted one, and the page of the first.
func Understand(address string) (raw []string, page string) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, ""
	}
	for i, c := range understand(u) {
		raw = append(raw, c.raw.String())
		if i == 0 && c.page != nil {
			page = c.page.String()
		}
	}
	return raw, page
}

// Decode undoes codings and reads all, up to max bytes.
var Decode = decode

// PublicIP says that an address is one of the internet.
var PublicIP = publicIP

// Hosts is how many hosts are remembered.
func (s *Source) Hosts() int { return len(s.hosts.by) }

// DamageMark is the file that marks a clone.
const DamageMark = damageMark
