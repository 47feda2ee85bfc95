# docker build -t gatehouse --build-arg VERSION="$(git describe --tags --always)" .
# docker run -p 8080:8080 -v gatehouse:/data gatehouse

FROM golang:1.26 AS build
WORKDIR /src
# What the binary is built from changes seldom: it is downloaded once. The modules of
# tests and tools are there because go.work names them.
COPY go.work go.work.sum ./
COPY server/go.* server/
COPY server/cmd/dev/go.* server/cmd/dev/
COPY server/e2e/go.* server/e2e/
COPY shared/go.* shared/
COPY wasm/go.* wasm/
COPY web/go.* web/
COPY web/static/build/go.* web/static/build/
RUN for module in server shared wasm web web/static/build; do \
      (cd "$module" && GOWORK=off go mod download) || exit 1; \
    done
COPY . .
ARG VERSION=devel
RUN make build VERSION="$VERSION"
# The rest of the image: certificates for the agents' providers, and directories
# that may be written to.
RUN install -d -m 700 /image/data \
 && mkdir -p /image/tmp /image/etc/ssl/certs \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && cp bin/gatehouse /image/gatehouse

FROM scratch
COPY --from=build --chown=65532:65532 /image /
USER 65532:65532
ENV GATEHOUSE_DATA_DIR=/data \
    GATEHOUSE_LISTEN=:8080
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/gatehouse", "health"]
ENTRYPOINT ["/gatehouse"]
