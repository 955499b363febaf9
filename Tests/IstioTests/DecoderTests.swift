import Testing

@testable import Istio

@Suite struct DecoderTests {
    @Test("a VirtualService decodes with its lines")
    func virtualService() throws {
        let file = decode(
            """
            # a comment
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata:
              name: shop
              labels: {team: "7"}
            spec:
              hosts: [shop.example.com]
              gateways: [ingress/front, mesh]
              http:
                - name: beta
                  match:
                    - uri: {prefix: /beta}
                      headers:
                        x-user: {exact: "7"}
                        x-any: {}
                      withoutHeaders:
                        x-old:
                      ignoreUriCase: true
                  rewrite:
                    uriRegexRewrite: {match: ^/beta/(.*), rewrite: '/\\1'}
                  route:
                    - destination:
                        host: shop
                        subset: beta
                        port: {number: 8080}
                      weight: 30
                      headers:
                        request: {set: {x-a: b}, remove: [x-c]}
                    - destination: {host: shop, subset: stable}
                      weight: 70
                  timeout: 1.5s
                  retries: {attempts: 3, perTryTimeout: 250ms, retryOn: "5xx,reset"}
                  mirror: {host: shadow}
                  mirrorPercentage: {value: 12.5}
                - directResponse: {status: 404, body: {string: none}}
            """)
        #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
        guard case .virtualService(let service)? = file.resources.first else { throw Missing() }
        #expect(service.metadata.namespace == "default")
        #expect(service.metadata.location.line == 2)
        let route = service.http[0]
        #expect(route.location == SourceLocation(file: "test.yaml", line: 11))
        #expect(route.match[0].location.line == 13)
        #expect(route.match[0].uri == .prefix("/beta"))
        #expect(route.match[0].headers.map(\.match) == [.exact("7"), .present])
        #expect(route.match[0].headers[1].location.line == 16)
        #expect(route.match[0].withoutHeaders.map(\.match) == [.present])
        #expect(route.match[0].ignoreUriCase)
        #expect(route.rewrite?.uriRegexRewrite == .init(match: "^/beta/(.*)", rewrite: "/\\1"))
        #expect(route.route.map(\.weight) == [30, 70])
        #expect(route.route[0].destination.port == 8080)
        #expect(route.route[0].destination.location.line == 23)
        #expect(route.route[0].headers.request.set.map(\.name) == ["x-a"])
        #expect(route.route[0].headers.request.remove == ["x-c"])
        #expect(route.timeoutMilliseconds == 1500)
        #expect(route.retries?.perTryTimeoutMilliseconds == 250)
        #expect(route.mirrors.map(\.percentage) == [12.5])
        #expect(service.http[1].directResponse?.body == Array("none".utf8))
    }

    @Test("a DestinationRule decodes with its blocks")
    func destinationRule() throws {
        let file = decode(
            document(
                "DestinationRule",
                """
                host: shop
                trafficPolicy:
                  loadBalancer: {simple: ROUND_ROBIN}
                  connectionPool:
                    tcp: {maxConnections: 10, connectTimeout: 30ms, tcpKeepalive: {time: 7200s}}
                    http: {http1MaxPendingRequests: 1, idleTimeout: 1m}
                  outlierDetection: {consecutive5xxErrors: 7, interval: 5m, baseEjectionTime: 15m}
                  portLevelSettings:
                    - port: {number: 80}
                      loadBalancer: {simple: RANDOM}
                subsets:
                  - name: v1
                    labels: {version: v1}
                """))
        #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
        guard case .destinationRule(let rule)? = file.resources.first else { throw Missing() }
        #expect(rule.trafficPolicy?.loadBalancer?.simple == .roundRobin)
        #expect(rule.trafficPolicy?.connectionPool?.tcp?.connectTimeoutMilliseconds == 30)
        #expect(rule.trafficPolicy?.connectionPool?.tcp?.tcpKeepalive?.timeMilliseconds == 7_200_000)
        #expect(rule.trafficPolicy?.connectionPool?.http?.idleTimeoutMilliseconds == 60_000)
        #expect(rule.trafficPolicy?.outlierDetection?.baseEjectionTimeMilliseconds == 900_000)
        #expect(rule.trafficPolicy?.portLevelSettings.first?.port == 80)
        #expect(rule.subsets.first?.labels == ["version": "v1"])
    }

    @Test("Kubernetes resources decode as far as a proxy reads them, and the rest is passed over")
    func kubernetes() throws {
        let file = decode(
            """
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: Service
              metadata: {name: shop, namespace: ns}
              spec:
                sessionAffinity: None
                selector: {app: shop}
                ports:
                - {name: http, port: 80, targetPort: web, nodePort: 30000}
            - apiVersion: v1
              kind: Pod
              metadata: {name: shop-1, namespace: ns, labels: {app: shop}}
              spec:
                containers:
                - {name: app, image: shop, ports: [{name: web, containerPort: 8080}]}
              status: {podIP: 10.0.0.1, conditions: [{type: Ready, status: "True"}]}
            - apiVersion: discovery.k8s.io/v1
              kind: EndpointSlice
              metadata: {name: shop-x, namespace: ns, labels: {kubernetes.io/service-name: shop}}
              addressType: IPv4
              endpoints:
              - {addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: shop-1}}
              - {addresses: [10.0.0.2], conditions: {ready: false, terminating: false}}
              - {addresses: [10.0.0.3], conditions: {ready: false}}
              ports: [{name: http, port: 8080}]
            - apiVersion: v1
              kind: Endpoints
              metadata: {name: old, namespace: ns}
              subsets:
              - addresses: [{ip: 10.0.0.4}]
                notReadyAddresses: [{ip: 10.0.0.5}]
                ports: [{port: 80}]
            """)
        #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
        #expect(file.resources.map(\.kind) == ["Service", "Pod", "EndpointSlice", "Endpoints"])
        guard case .service(let service) = file.resources[0], case .pod(let pod) = file.resources[1],
            case .endpointSlice(let slice) = file.resources[2], case .endpoints(let endpoints) = file.resources[3]
        else { throw Missing() }
        #expect(service.ports[0].targetPort == .name("web"))
        #expect(service.ports[0].portProtocol == .http)
        #expect(pod.ip == "10.0.0.1")
        #expect(pod.isReady == true)
        #expect(pod.ports.map(\.containerPort) == [8080])
        #expect(slice.serviceName == "shop")
        #expect(slice.endpoints.map(\.health) == [.ready, .unhealthy, .terminating])
        #expect(endpoints.subsets[0].addresses.map(\.isReady) == [true, false])
    }

    @Test("the Proxy kind decodes, and mesh settings without effect are named")
    func proxy() throws {
        let file = decode(
            """
            apiVersion: outrider.dev/v1alpha1
            kind: Proxy
            metadata: {name: edge, namespace: ns, labels: {istio: ingressgateway}}
            spec:
              mode: gateway
              workers: 2
              admin: {address: "127.0.0.1:15000"}
              listen:
              - {port: 80, address: "0.0.0.0:8080"}
              drainDuration: 5s
              meshConfig:
                proxyHttpPort: 15080
                outboundTrafficPolicy: {mode: REGISTRY_ONLY}
                pathNormalization: {normalization: MERGE_SLASHES}
                accessLogFile: /dev/stdout
                enableTracing: true
                defaultConfig: {gatewayTopology: {numTrustedProxies: 1}}
            """)
        #expect(file.diagnostics.map(\.severity) == [.warning])
        #expect(file.diagnostics.first?.message.contains("enableTracing: true is not honoured yet") == true)
        guard case .proxy(let proxy)? = file.resources.first else { throw Missing() }
        #expect(proxy.mode == .gateway)
        #expect(proxy.listen.map(\.address) == ["0.0.0.0:8080"])
        #expect(proxy.meshConfig.proxyHttpPort == 15080)
        #expect(proxy.meshConfig.outboundTrafficPolicy == .registryOnly)
        #expect(proxy.meshConfig.pathNormalization == .mergeSlashes)
        #expect(proxy.meshConfig.trustedProxies == 1)
        #expect(proxy.drainDurationMilliseconds == 5000)
    }

    @Test("one file holds several documents, and one that is not YAML hides no other")
    func severalDocuments() {
        let good = document("Gateway", "servers: []")
        let file = decode(
            good + "---\na: [\n---\n" + good.replacing("name: t", with: "name: u") + "...\n---\n# nothing\n")
        #expect(file.resources.map(\.name) == ["t", "u"])
        #expect(file.parseFailed)
        #expect(file.diagnostics.map(\.location.line) == [8])
        #expect(decode("").diagnostics.isEmpty)
        #expect(decode("---\n---\n# only this\n").parseFailed == false)
    }

    @Test("a misspelt field breaks its resource, is named with its line, and the nearest field is offered")
    func unknownField() {
        let file = decode(
            document(
                "VirtualService", "hosts: [a]\nhttp:\n- route:\n  - destination: {host: a}\n  timeOut: 1s\n  wieght: 2")
                + "---\n" + document("Gateway", "selecter: {a: b}").replacing("spec:", with: "sepc:"))
        #expect(file.resources.isEmpty)
        #expect(file.broken.map(\.id.description) == ["VirtualService ns/t", "Gateway ns/t"])
        #expect(
            file.diagnostics.map(\.description) == [
                "test.yaml:9: error: VirtualService ns/t: \"timeOut\" is not a field in spec.http[0] (did you mean timeout?)",
                "test.yaml:10: error: VirtualService ns/t: \"wieght\" is not a field in spec.http[0]",
                "test.yaml:15: error: Gateway ns/t: \"sepc\" is not a field of a resource (did you mean spec?)",
            ])
        #expect(!file.parseFailed)
    }

    @Test("values of the wrong shape are named with what belongs there")
    func shapes() {
        let file = decode(
            document(
                "VirtualService",
                """
                hosts: a
                http:
                - timeout: 5
                  retries: {attempts: many}
                  match: [{headers: {x: {exact: 7}}}]
                  route: [{destination: {host: a, port: {number: "80"}}, weight: 1.0}, ~]
                """))
        #expect(
            file.diagnostics.map(\.message) == [
                "spec.hosts is \"a\", where a list belongs",
                "spec.http[0].timeout is the number \"5\", where a duration belongs",
                "spec.http[0].retries.attempts is \"many\", where a whole number belongs",
                "spec.http[0].match[0].headers.x.exact is the number \"7\", where a string belongs",
                "spec.http[0].route[1] is empty",
            ])
    }

    @Test("fields that are known but not honoured are warnings, each at its line")
    func notHonoured() {
        let file = decode(
            document(
                "DestinationRule",
                """
                host: a
                trafficPolicy:
                  proxyProtocol: {version: V1}
                  loadBalancer:
                    simple: PASSTHROUGH
                """))
        #expect(file.resources.count == 1)
        #expect(file.diagnostics.map(\.severity) == [.warning, .warning])
        #expect(file.diagnostics.map(\.location.line) == [7, 9])
        #expect(
            decode(document("DestinationRule", "host: a\ntrafficPolicy: {tls: {mode: DISABLE}}")).diagnostics.isEmpty)
    }

    @Test("other kinds are notes, warnings or errors, and never hide a resource")
    func otherKinds() {
        func finding(_ apiVersion: String, _ kind: String) -> Diagnostic? {
            decode("apiVersion: \(apiVersion)\nkind: \(kind)\nmetadata: {name: x}\n").diagnostics.first
        }
        #expect(finding("apps/v1", "Deployment")?.severity == .note)
        #expect(finding("networking.istio.io/v1alpha3", "EnvoyFilter")?.severity == .warning)
        #expect(finding("security.istio.io/v1", "AuthorizationPolicy")?.severity == .warning)
        #expect(finding("example.com/v1", "Thing")?.severity == .error)
        #expect(finding("networking.istio.io/v1", "VirtualServise")?.fix == "did you mean VirtualService?")
        #expect(finding("networking.istio.io/v2", "Gateway")?.severity == .error)
        #expect(decode("kind: Service\n").parseFailed)
        #expect(decode("- 1\n").parseFailed)
        #expect(decode("apiVersion: v1\nkind: Service\nmetadata: {}\n").parseFailed)
    }

    @Test("durations are read as Go reads them")
    func durations() {
        #expect(DurationText.nanoseconds("1.5s") == 1_500_000_000)
        #expect(DurationText.nanoseconds("1h2m") == 3_720_000_000_000)
        #expect(DurationText.nanoseconds(".5ms") == 500_000)
        #expect(DurationText.nanoseconds("-1s") == -1_000_000_000)
        #expect(DurationText.nanoseconds("0") == 0)
        for text in ["", "5", "s", ".s", "1", "1 s", "1x", "99999999999h", "1..2s", "1s2", "--1s"] {
            #expect(DurationText.nanoseconds(text) == nil, "\(text)")
        }
        #expect(DurationText.milliseconds(nanoseconds: 1) == 1)
    }
}

struct Missing: Error {}
