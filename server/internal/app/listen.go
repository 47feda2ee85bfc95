package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
)

// listen opens the listener of a key. Its error says what to do.
func listen(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w%s", key, err, listenAdvice(err, address))
	}
	return l, nil
}

// listenAdvice says what to do about an address at which the process cannot listen.
func listenAdvice(err error, address string) string {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "; port " + port + " needs the right CAP_NET_BIND_SERVICE: AmbientCapabilities=" +
			"CAP_NET_BIND_SERVICE in the systemd unit, or " +
			"sudo setcap cap_net_bind_service=+ep \"$(command -v gatehouse)\"; " +
			"or listen on a port from 1024 and let a proxy or a container publish it"
	case errors.Is(err, syscall.EADDRINUSE):
		return "; another program listens there, maybe another gatehouse: ss -ltnp 'sport = :" + port +
			"' names it, or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "; this machine has no such address: ip address lists those it has, and :" + port +
			" is all of them"
	}
	return ""
}
