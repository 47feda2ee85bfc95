package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// pendingPairings counts the pairings that wait for an admin. Every page shows an admin
// how many there are: in a badge and in the title. A new one makes a notification.
type pendingPairings struct {
	*basePage
	codes map[string]bool // of the pairings; nil after stop
}

func newPendingPairings(b *basePage) pendingPairings {
	return pendingPairings{b, map[string]bool{}}
}

// load asks the gateway for the pairings.
func (pp *pendingPairings) load() {
	var result protocol.DeviceListResult
	pp.query(protocol.MethodDeviceList, nil, result.DecodeJSON, func(err *protocol.Error) {
		if err != nil || pp.codes == nil {
			return
		}
		clear(pp.codes)
		for i := range result.Pending {
			pp.codes[result.Pending[i].Code] = true
		}
		pp.showPendingCount(len(pp.codes))
	})
}

// event updates the count from an event of the gateway.
func (pp *pendingPairings) event(f protocol.Frame) {
	switch f.Event {
	case protocol.EventDeviceRequested:
		var p protocol.DeviceRequested
		if jsontext.Read(f.Payload, p.DecodeJSON) == nil && p.Code != "" {
			if !pp.codes[p.Code] && !p.Left {
				pp.notifyPending(&p)
			}
			pp.codes[p.Code] = true
		}
	case protocol.EventDeviceResolved:
		var r protocol.DeviceResolved
		if jsontext.Read(f.Payload, r.DecodeJSON) == nil {
			delete(pp.codes, r.Code)
		}
	default:
		return
	}
	pp.showPendingCount(len(pp.codes))
}

// stop shows no count any more, because the user may not know it any longer.
func (pp *pendingPairings) stop() {
	pp.codes = nil
	pp.showPendingCount(0)
}

// showPendingCount shows an admin how many pairings are pending.
func (b *basePage) showPendingCount(n int) {
	badge, prefix := words.Badge(n), ""
	if n > 0 {
		prefix = "(" + badge + ") "
	}
	view.SetText(b.doc, markup.IDPendingBadge, badge)
	if prefix != b.titlePrefix {
		b.titlePrefix = prefix
		b.browser.SetTitle(prefix + b.title)
	}
}

// notifyPending shows a notification about a pairing if the admin does not look at the
// page.
func (b *basePage) notifyPending(p *protocol.PendingDevice) {
	b.browser.Notify(pendingName(p)+" asks to be let in", markup.ApprovalPath(p.Code))
}

// pendingName returns the name of the device that asks for a pairing.
func pendingName(p *protocol.PendingDevice) string {
	return words.Device("", p.DeviceName, p.UserAgent)
}
