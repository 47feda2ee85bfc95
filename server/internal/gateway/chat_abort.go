package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// runsToStop are the runs of a session to stop.
type runsToStop struct {
	sessionKey string
	runID      string // empty: all runs
	own        bool
}

// prepareAbort finds the session of the run, if there is no sessionKey.
func (c *call) prepareAbort(p *protocol.ChatAbortParams) (runsToStop, error) {
	runs := runsToStop{p.SessionKey, p.RunID, p.Own}
	switch {
	case p.SessionKey == "" && p.RunID == "":
		return runs, badParams("sessionKey or runId must be given")
	case p.SessionKey != "" && !validSession(p.SessionKey):
		return runs, errSessionKey
	case p.RunID == "":
		return runs, nil
	}
	key, err := c.g.Sessions.RunSession(c.ctx, c.caller(), p.RunID)
	switch {
	case err != nil:
		return runs, err
	case p.SessionKey != "" && p.SessionKey != key:
		return runs, badParams("runId: that run is not of this session")
	}
	runs.sessionKey = key
	return runs, nil
}

func (c *call) chatAbort(r runsToStop) (protocol.Payload, error) {
	stopped, running, err := c.g.Sessions.Withdraw(c.ctx, c.session, r.runID)
	if err != nil {
		return nil, err
	}
	if running != "" && c.g.Runner.Abort(r.sessionKey, running) != "" {
		stopped = append(stopped, running)
	}
	return &protocol.ChatAbortResult{OK: true, Aborted: len(stopped) > 0, RunIDs: stopped, OwnerID: c.owner}, nil
}
