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
func (s *basePage) expireAfter(after clock.Duration, gone func()) {
	s.notices = append(s.notices, notice{clock.Now().Add(after), gone})
}

func (s *basePage) expireNotices(now clock.Time) {
	remaining := s.notices[:0]
	for _, n := range s.notices {
		if now.Before(n.expires) {
			remaining = append(remaining, n)
		} else {
			n.remove()
		}
	}
	s.notices = remaining
}

// problem shows a notice about a failure, success about a success, info about neither.
func (s *basePage) problem(text string) { s.showToast(markup.KindProblem, text, longNotice) }
func (s *basePage) success(text string) { s.showToast(markup.KindGood, text, shortNotice) }
func (s *basePage) info(text string)    { s.showToast(markup.KindInfo, text, shortNotice) }

func (s *basePage) showToast(kind, text string, stays clock.Duration) {
	if el := view.Toast(s.doc, kind, text); el != nil {
		s.expireAfter(stays, el.Remove)
	}
}

func (s *basePage) dismissToast(toast view.Element) {
	if toast != nil {
		toast.Remove()
	}
}
