package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Handler acts on a message and says whether it was understood. An error ends the reading, and the message is read again.
type Handler func(ctx context.Context, m *Message) (understood bool, err error)

// Tally is how many messages were looked at, and how many of them were understood.
type Tally struct {
	Read, Understood int
}

// Position is how far a mailbox was read (RFC 3501, 2.3.1.1).
type Position struct {
	Validity uint32 // UIDVALIDITY; another one makes Last worthless
	Last     uint32 // UID of the last message that was looked at
}

// fetched is how many messages are fetched at once. Of each, what it says is kept, and not its bytes.
const fetched = 16

// Read looks at every message behind a position, and calls save with the new one after each few. Messages that were understood
// are marked as read, or deleted; the others stay as they are. One that the server cannot give is passed over, and named in the
// error when all the others were looked at: it would be in their way for ever.
func (m *IMAP) Read(ctx context.Context, from Position, handle Handler, save func(Position) error) (t Tally, err error) {
	s, err := m.open(ctx)
	if err != nil {
		return t, err
	}
	defer s.end()
	s.next(dialogue)
	selected, err := s.Select(m.Folder, nil).Wait()
	if err != nil {
		return t, fmt.Errorf("opening the folder %s of %s: %w", m.Folder, m.Username, err)
	}
	if from.Validity != selected.UIDValidity {
		from = Position{Validity: selected.UIDValidity}
	}
	uids, err := s.behind(from.Last, selected)
	if err != nil {
		return t, err
	}
	var damaged error
	for chunk := range slices.Chunk(uids, fetched) {
		messages, passed, err := s.fetchEach(chunk)
		if err != nil {
			return t, err
		}
		damaged = errors.Join(damaged, passed)
		handled, understood, failed := s.handle(ctx, chunk, messages, handle)
		t.Read, t.Understood = t.Read+len(handled), t.Understood+len(understood)
		if err := s.mark(understood, m.Delete); err != nil {
			return t, errors.Join(failed, err)
		}
		if failed == nil {
			from.Last = uint32(chunk[len(chunk)-1])
		} else if len(handled) > 0 {
			from.Last = uint32(handled[len(handled)-1])
		}
		if err := errors.Join(failed, save(from)); err != nil {
			return t, err
		}
	}
	return t, damaged
}

// behind gives the UIDs of the messages behind one, in order.
func (s *session) behind(last uint32, selected *imap.SelectData) ([]imap.UID, error) {
	if selected.NumMessages == 0 || selected.UIDNext != 0 && uint32(selected.UIDNext) <= last+1 {
		return nil, nil
	}
	s.next(dialogue + 12*int64(selected.NumMessages)) // a number and a space for each
	set := imap.UIDSet{imap.UIDRange{Start: imap.UID(last + 1)}}
	found, err := s.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}}, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("looking for new messages: %w", err)
	}
	uids := slices.DeleteFunc(found.AllUIDs(), func(u imap.UID) bool { return uint32(u) <= last }) // "*" is always the last one
	slices.Sort(uids)
	return slices.Compact(uids), nil
}

// handle has messages acted on, in their order, up to the first error.
func (s *session) handle(ctx context.Context, uids []imap.UID, messages map[imap.UID]*Message, handle Handler) (handled, understood []imap.UID, err error) {
	for _, uid := range uids {
		msg := messages[uid]
		if msg == nil { // somebody else deleted it
			continue
		}
		if ctx.Err() != nil {
			return handled, understood, context.Cause(ctx)
		}
		s.watchdog.Reset(s.timeout) // the server has nothing to do with how long this takes
		yes, err := handle(ctx, msg)
		if err != nil {
			return handled, understood, err
		}
		handled = append(handled, uid)
		if yes {
			understood = append(understood, uid)
		}
	}
	return handled, understood, nil
}

// fetchEach fetches messages, one by one when the server says that it cannot give them together. passed names those that it
// cannot give at all.
func (s *session) fetchEach(uids []imap.UID) (all map[imap.UID]*Message, passed, err error) {
	all, err = s.fetch(uids)
	if _, refused := errors.AsType[*imap.Error](err); !refused {
		return all, nil, err
	}
	all = map[imap.UID]*Message{}
	for _, uid := range uids {
		one, err := s.fetch([]imap.UID{uid})
		if _, refused := errors.AsType[*imap.Error](err); refused {
			passed = errors.Join(passed, fmt.Errorf("the message with the UID %d is passed over; look at it with a mail program: %w", uid, err))
		} else if err != nil {
			return nil, nil, err
		}
		maps.Copy(all, one)
	}
	return all, passed, nil
}

// fetch reads messages without marking them as read.
func (s *session) fetch(uids []imap.UID) (map[imap.UID]*Message, error) {
	s.next(dialogue + int64(len(uids))*(MaxSize+1<<10))
	body := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: MaxSize}}
	cmd := s.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{body}})
	all := map[imap.UID]*Message{}
	for data := cmd.Next(); data != nil; data = cmd.Next() {
		var uid imap.UID
		var msg *Message
		for item := data.Next(); item != nil; item = data.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				uid = item.UID
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				s.watchdog.Reset(s.timeout)
				var err error
				if msg, err = Read(item.Literal); err != nil {
					_ = cmd.Close() // the reader's error says more
					return nil, err
				}
				if _, err := io.Copy(io.Discard, item.Literal); err != nil {
					_ = cmd.Close()
					return nil, fmt.Errorf("reading a message: %w", err)
				}
			}
		}
		if uid != 0 && msg != nil {
			all[uid] = msg
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, fmt.Errorf("fetching messages: %w", err)
	}
	return all, nil
}

// mark marks messages as read, or deletes them: these alone, whatever else is to be deleted in the folder. A server that
// cannot do so (UIDPLUS, RFC 4315) keeps them, with the mark of what is to be deleted.
func (s *session) mark(uids []imap.UID, remove bool) error {
	if len(uids) == 0 {
		return nil
	}
	set := imap.UIDSetNum(uids...)
	flags := []imap.Flag{imap.FlagSeen}
	if remove {
		flags = append(flags, imap.FlagDeleted)
	}
	s.next(dialogue)
	if err := s.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: flags}, nil).Close(); err != nil {
		return fmt.Errorf("marking messages as read: %w", err)
	}
	if remove && (s.Caps().Has(imap.CapUIDPlus) || s.Caps().Has(imap.CapIMAP4rev2)) {
		s.next(dialogue)
		if err := s.UIDExpunge(set).Close(); err != nil {
			return fmt.Errorf("deleting messages: %w", err)
		}
	}
	return nil
}
