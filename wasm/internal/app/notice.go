package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// How long notices stay.
const (
	shortNotice = 5 * clock.Second
	longNotice  = 12 * clock.Second
	copiedFor   = 2 * clock.Second
)

// notice is something on the page that is removed after a while.
type notice struct {
	expires clock.Time
	remove  func()
}

// expireAfter has remove called after some time.
func (b *basePage) expireAfter(after clock.Duration, remove func()) {
	b.notices = append(b.notices, notice{clock.Now().Add(after), remove})
}

func (b *basePage) expireNotices(now clock.Time) {
	remaining := b.notices[:0]
	for _, n := range b.notices {
		if now.Before(n.expires) {
			remaining = append(remaining, n)
		} else {
			n.remove()
		}
	}
	b.notices = remaining
}

// problem shows a notice about a failure, success about a success, info about neither.
func (b *basePage) problem(text string) { b.showToast(markup.KindProblem, text, longNotice) }
func (b *basePage) success(text string) { b.showToast(markup.KindGood, text, shortNotice) }
func (b *basePage) info(text string)    { b.showToast(markup.KindInfo, text, shortNotice) }

func (b *basePage) showToast(kind, text string, stays clock.Duration) {
	if el := view.ShowToast(b.doc, kind, text); el != nil {
		b.expireAfter(stays, el.Remove)
	}
}

func (b *basePage) dismissToast(toast view.Element) {
	if toast != nil {
		toast.Remove()
	}
}
