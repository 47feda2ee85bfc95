package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// presence notifies admins of requesters of pairings that leave, and of those that come
// back. Its methods are safe for concurrent use.
type presence struct {
	g *Gateway

	// mu guards the following fields.
	mu      sync.Mutex
	leaving map[string]*time.Timer // by device id: reports soon that the requester has left
	left    map[string]bool        // the device ids of requesters that were reported to have left
	stopped bool
}

// came says that a requester waits on a connection.
func (p *presence) came(deviceID string) {
	p.mu.Lock()
	back := p.left[deviceID]
	p.forgetLocked(deviceID)
	p.mu.Unlock()
	if back {
		p.notify(deviceID)
	}
}

// gone says that a connection has ended on which a requester has waited. deviceID may be
// empty, for any other connection. The requester has left if it has no other connection and
// does not come back soon, as a page does that reloads.
func (p *presence) gone(deviceID string) {
	if deviceID == "" || p.g.Registry.IsWaiting(deviceID) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.leaving[deviceID] != nil {
		return
	}
	if p.leaving == nil {
		p.leaving, p.left = map[string]*time.Timer{}, map[string]bool{}
	}
	p.leaving[deviceID] = time.AfterFunc(pairing.ReconnectTime, func() { p.reportLeft(deviceID) })
}

func (p *presence) reportLeft(deviceID string) {
	p.mu.Lock()
	due := p.leaving[deviceID] != nil
	if due {
		delete(p.leaving, deviceID)
		p.left[deviceID] = true
	}
	p.mu.Unlock()
	if due {
		p.notify(deviceID)
	}
}

// notify sends a pending request to the admins again, which says whether its requester has
// left.
func (p *presence) notify(deviceID string) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	pending, found, err := p.g.Pairings.PendingByID(ctx, deviceID)
	switch {
	case err != nil:
		p.g.logFailure(slog.LevelWarn, "admins were not told whether a requester is there", err)
	case found:
		p.g.Hub.SendToAdmins(protocol.EventDeviceRequested, &pending)
	default:
		p.resolved(deviceID)
	}
}

// resolved says that the request of a device is pending no longer.
func (p *presence) resolved(deviceID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetLocked(deviceID)
}

func (p *presence) forgetLocked(deviceID string) {
	if t := p.leaving[deviceID]; t != nil {
		t.Stop()
	}
	delete(p.leaving, deviceID)
	delete(p.left, deviceID)
}

// stop ends all reports.
func (p *presence) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	for _, t := range p.leaving {
		t.Stop()
	}
	clear(p.leaving)
}
