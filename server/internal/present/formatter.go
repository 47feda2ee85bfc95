package present

import (
	"context"
	"runtime"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/turn"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxFormatted bounds the formatted text of one message, in bytes.
	maxFormatted = protocol.MaxFrameBytes / 2
	// maxPage bounds the text that is formatted for one page, in bytes. Text whose HTML
	// is in the cache does not count, so a page that is asked for again has more.
	maxPage = 256 << 10
)

// Formatter formats whole messages. It keeps what it has formatted, for pages, histories
// and replays alike. The formatting of one user's messages takes turns, and as many users
// at once are served as there are processors. A Formatter is safe for concurrent use.
type Formatter struct {
	cache *cache
	turns *turn.Turns
}

// NewFormatter returns a Formatter that has formatted nothing yet.
func NewFormatter() *Formatter {
	// At least two, so that the long texts of one user never keep all others waiting.
	return &Formatter{newCache(), turn.New("long texts", max(2, runtime.GOMAXPROCS(0)))}
}

// Turns are those that the Formatter waits for.
func (f *Formatter) Turns() *turn.Turns { return f.turns }

// Messages adds formatted text to messages that are shown together to a user, the newest
// last. The newest message, which is read first, is served first. Messages keep their
// plain text alone if
//
//   - their formatted text would make a frame too large,
//   - newer messages have used up maxPage, or the time for the code of a page.
//
// Messages waits for a turn of the user, unless it has formatted all messages before. It
// refuses with RESOURCE_EXHAUSTED, or with the cause of ctx; then some messages may have
// formatted text.
func (f *Formatter) Messages(ctx context.Context, user string, list []protocol.Message) error {
	var rest []*protocol.Message // what is not in the cache, the newest first
	for i := range slices.Backward(list) {
		if m := &list[i]; isFormatted(m) && !f.recall(m) {
			rest = append(rest, m)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	done, err := f.turns.Take(ctx, user)
	if err != nil {
		return err
	}
	defer done()
	var page format.Page
	size := 0
	for _, m := range rest {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if f.recall(m) { // formatted by the user's last turn
			continue
		}
		if size += len(m.Content); size > maxPage && size > len(m.Content) || page.TimeIsUp() {
			return nil
		}
		f.format(m, &page)
	}
	return nil
}

// message is Messages for one message, which keeps its plain text if it cannot be
// formatted now.
func (f *Formatter) message(ctx context.Context, user string, m *protocol.Message) {
	list := []protocol.Message{*m}
	_ = f.Messages(ctx, user, list) // if it fails, the plain text is shown
	m.HTML = list[0].HTML
}

// isFormatted reports whether the message is shown formatted: what an agent or the system
// has written. What users write is shown as they typed it.
func isFormatted(m *protocol.Message) bool {
	return m.Role == protocol.FromAssistant || m.Role == protocol.FromSystem
}

// recall adds the formatted text to a message that was formatted before.
func (f *Formatter) recall(m *protocol.Message) (ok bool) {
	m.HTML, ok = f.cache.get(m.ID, m.Content)
	return ok
}

// format formats a message, and keeps the result if the message will not change and could
// not be formatted better.
func (f *Formatter) format(m *protocol.Message, page *format.Page) {
	whole := page.Fresh()
	html := &protocol.HTML{Blocks: page.Blocks(m.Content)}
	if len(html.AppendJSON(nil)) > maxFormatted {
		html = nil
	}
	m.HTML = html
	if m.ID != "" && m.Status.Ended() && (whole || !page.TimeIsUp()) {
		f.cache.put(m.ID, m.Content, html)
	}
}
