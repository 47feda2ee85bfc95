package protocol

// Empty is the params or the payload of methods that take or give nothing.
type Empty struct{}

// Agent is what agents.list says of an agent.
type Agent struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Provider    string `json:"provider"`
	Model       string `json:"model,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// AgentsListResult answers agents.list.
type AgentsListResult struct {
	Agents []Agent `json:"agents"`
}

// HealthResult answers health. Clients is given to admins only.
type HealthResult struct {
	Status   string            `json:"status"`
	Protocol int64             `json:"protocol"`
	UptimeMs int64             `json:"uptimeMs"`
	Server   Server            `json:"server"`
	Clients  []ConnectedClient `json:"clients,omitempty"`
}

// ConnectedClient is one live connection.
type ConnectedClient struct {
	ID          string `json:"id"`
	UserID      string `json:"userId"`
	Role        Role   `json:"role"`
	DeviceID    string `json:"deviceId,omitempty"`
	Address     string `json:"address"`
	UserAgent   string `json:"userAgent,omitempty"`
	Client      string `json:"client,omitempty"` // name and version that it gave at connect
	Via         string `json:"via,omitempty"`    // token, key:PREFIX or device:ID
	ConnectedAt Time   `json:"connectedAt"`
	ActiveAt    Time   `json:"activeAt,omitempty"` // of its last request
}

// StatusResult answers status: the gateway at a glance. Detail is given to
// admins only.
type StatusResult struct {
	Server      Server        `json:"server"`
	Protocol    int64         `json:"protocol"`
	UptimeMs    int64         `json:"uptimeMs"`
	Connections int64         `json:"connections"`
	RunningRuns int64         `json:"runningRuns"`
	Agents      int64         `json:"agents"`
	Store       string        `json:"store"`
	Detail      *StatusDetail `json:"detail,omitempty"`
}

// StatusDetail is what an admin may know of the gateway. It names no file but
// the configuration's, without its folder.
type StatusDetail struct {
	StartedAt    Time        `json:"startedAt"`
	ReloadedAt   Time        `json:"reloadedAt,omitempty"` // the last time that went well
	ConfigFile   string      `json:"configFile,omitempty"` // absent: there is none
	Platform     string      `json:"platform"`
	TLS          string      `json:"tls"` // off, files or acme
	MemoryBytes  int64       `json:"memoryBytes"`
	Goroutines   int64       `json:"goroutines"`
	Strangers    int64       `json:"strangers"` // connections that are not authenticated
	Data         StoreDetail `json:"data"`
	Settings     []Setting   `json:"settings"`               // in force, of those that a reload changes
	NeedsRestart []string    `json:"needsRestart,omitempty"` // keys whose change waits for one
}

// StoreDetail is how much the store holds. All is 0 when it cannot say.
type StoreDetail struct {
	Kind        string `json:"kind"`
	Bytes       int64  `json:"bytes"`    // of the database
	FreeBytes   int64  `json:"free"`     // of them, not in use
	LogBytes    int64  `json:"logBytes"` // of what is not folded into it yet
	Version     int64  `json:"version"`  // of its tables
	Sessions    int64  `json:"sessions"`
	QueuedRuns  int64  `json:"queuedRuns"`
	RunningRuns int64  `json:"runningRuns"`
	Devices     int64  `json:"devices"` // that are let in
	AuditLines  int64  `json:"auditLines"`
}

// Setting is a key of the configuration and its value, as a file gives it.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Tick tells a connection that it lives, and how far its sessions are.
type Tick struct {
	Sessions map[string]int64 `json:"sessions,omitempty"`
}

// Shutdown announces that the gateway stops.
type Shutdown struct {
	RetryAfterMs int64 `json:"retryAfterMs,omitempty"`
}
