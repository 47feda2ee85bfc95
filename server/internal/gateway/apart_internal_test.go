package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// A costly call ends when its client has gone, and is not answered then.
func TestCostlyCallsEndWithTheirConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &Gateway{Options: Options{
			Registry: registry.New(), Metrics: metrics.New(),
		}}
		reserved, err := g.Registry.Reserve(access.Peer{},
			registry.Limits{Connections: 1, ConnectionsPerAddress: 1, PendingConnections: 1})
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(g, reserved, nil) // an answer would panic
		began := time.Now()
		for range maxApart {
			request := &call{client: c}
			request.runApart(func() (protocol.Payload, error) {
				<-request.ctx.Done()
				return nil, context.Cause(request.ctx)
			})
		}
		synctest.Wait()
		more := make(chan struct{})
		go func() {
			(&call{client: c}).runApart(func() (protocol.Payload, error) { return later, nil })
			close(more)
		}()
		synctest.Wait()
		select {
		case <-more:
			t.Errorf("%d costly calls of one connection at once", maxApart+1)
		default:
		}
		c.Closed(nil, conn.Closing{})
		<-more
		g.apart.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("the calls went on for %v", took)
		}
	})
}
