/// Which fields of which resources Outrider honours: one table for the check of files and for the page of supported fields.
///
/// `name: shape` is honoured. `name: shape -- sentence` is known but not honoured yet, and says what happens instead; where
/// the shape marks values with `!`, only those are not. A field that is not here is an error in a file.
package enum Support {
    static let schema = Schema(tables: [
        virtualService, httpRoute, destinationRule, trafficPolicy, gateway, serviceEntry, sidecar, proxy, kubernetes,
        security,
    ])

    private static let virtualService = """
        VirtualService
          hosts: [string]
          gateways: [string]
          http: [HTTPRoute]
          tls: [TLSRoute]
          tcp: [TCPRoute]
          exportTo: [string]
        TLSRoute
          match: [TLSMatch]
          route: [L4Destination]
        TLSMatch
          sniHosts: [string]
          destinationSubnets: [string]
          port: uint
          sourceLabels: {string}
          gateways: [string]
          sourceNamespace: string
        TCPRoute
          match: [TCPMatch]
          route: [L4Destination]
        TCPMatch
          destinationSubnets: [string]
          port: uint
          sourceLabels: {string}
          gateways: [string]
          sourceSubnet: string -- Istio ignores it too
          sourceNamespace: string
        L4Destination
          destination: Destination
          weight: int
        Destination
          host: string
          subset: string
          port: PortSelector
        PortSelector
          number: uint
        """

    private static let httpRoute = """
        HTTPRoute one-of mirror,mirrors
          name: string
          match: [HTTPMatch]
          route: [RouteDestination]
          redirect: Redirect
          directResponse: DirectResponse
          delegate: Delegate
          rewrite: Rewrite
          timeout: duration
          retries: Retries
          fault: Fault -- requests are neither delayed nor aborted
          mirror: Destination
          mirror_percent: percent
          mirrorPercent: percent
          mirrorPercentage: MirrorPercent
          mirrors: [Mirror]
          corsPolicy: CorsPolicy -- preflight requests go to the destination and no CORS headers are added
          headers: HeaderOperations
        HTTPMatch
          name: string
          uri: StringMatch
          scheme: StringMatch
          method: StringMatch
          authority: StringMatch
          headers: {StringMatch}
          withoutHeaders: {StringMatch?}
          queryParams: {StringMatch?}
          ignoreUriCase: bool
          port: uint
          sourceLabels: {string}
          sourceNamespace: string
          gateways: [string]
          statPrefix: string -- no statistics are kept by this name
        StringMatch one-of exact,prefix,regex
          exact: string
          prefix: string
          regex: string
        RouteDestination
          destination: Destination
          weight: int
          headers: HeaderOperations
        HeaderOperations
          request: HeaderChanges
          response: HeaderChanges
        HeaderChanges
          set: {string}
          add: {string}
          remove: [string]
        Redirect
          uri: string
          prefixRewrite: string
          authority: string
          scheme: string
          port: uint
          derivePort: FROM_PROTOCOL_DEFAULT|FROM_REQUEST_PORT
          redirectCode: uint
        DirectResponse
          status: uint
          body: Body
        Body one-of string,bytes
          string: string
          bytes: string
        Delegate
          name: string
          namespace: string
        Rewrite
          uri: string
          authority: string
          uriRegexRewrite: RegexRewrite
        RegexRewrite
          match: string
          rewrite: string
        Retries
          attempts: int
          perTryTimeout: duration
          retryOn: string
          retryRemoteLocalities: bool! -- localities are not told apart
          retryIgnorePreviousHosts: bool
          backoff: duration
        Mirror
          destination: Destination
          percentage: MirrorPercent
        MirrorPercent
          value: share
        Percent
          value: number
        Fault
          delay: Delay
          abort: Abort
        Delay one-of fixedDelay,exponentialDelay
          fixedDelay: duration
          exponentialDelay: duration
          percent: int
          percentage: Percent
        Abort one-of httpStatus,grpcStatus,http2Error
          httpStatus: int
          grpcStatus: string
          http2Error: string
          percentage: Percent
        CorsPolicy
          allowOrigin: [string]
          allowOrigins: [StringMatch]
          allowMethods: [string]
          allowHeaders: [string]
          exposeHeaders: [string]
          maxAge: duration
          allowCredentials: bool
          unmatchedPreflights: UNSPECIFIED|FORWARD|IGNORE
        """

    private static let destinationRule = """
        DestinationRule
          host: string
          trafficPolicy: TrafficPolicy
          subsets: [Subset]
          exportTo: [string]
          workloadSelector: MatchLabels
        MatchLabels
          matchLabels: {string}
        Subset
          name: string
          labels: {string}
          trafficPolicy: TrafficPolicy
        TrafficPolicy
          loadBalancer: LoadBalancer
          connectionPool: ConnectionPool
          outlierDetection: OutlierDetection
          tls: ClientTLS
          portLevelSettings: [PortLevel]
          tunnel: Tunnel -- connections go straight to the destination
          proxyProtocol: ProxyProtocol -- no PROXY line is sent
          retryBudget: RetryBudget
        PortLevel
          port: PortSelector
          loadBalancer: LoadBalancer
          connectionPool: ConnectionPool
          outlierDetection: OutlierDetection
          tls: ClientTLS
        Tunnel
          protocol: string
          targetHost: string
          targetPort: uint
        ProxyProtocol
          version: V1|V2
        RetryBudget
          percent: number
          minRetryConcurrency: uint
          budgetInterval: span -- the share is of the requests at that moment
        """

    private static let trafficPolicy = """
        LoadBalancer one-of simple,consistentHash one-of localityLbSetting,zoneAwareLbSetting
          simple: UNSPECIFIED|LEAST_REQUEST|LEAST_CONN|ROUND_ROBIN|RANDOM|PASSTHROUGH! -- an endpoint is chosen by LEAST_REQUEST
          consistentHash: ConsistentHash -- an endpoint is chosen by LEAST_REQUEST
          localityLbSetting: LocalitySetting -- all localities share the load
          zoneAwareLbSetting: ZoneSetting -- all zones share the load
          warmup: Warmup -- a new endpoint gets its full share at once
          warmupDurationSecs: duration -- a new endpoint gets its full share at once
        ConsistentHash one-of httpHeaderName,httpCookie,useSourceIp,httpQueryParameterName one-of ringHash,maglev
          httpHeaderName: string
          httpCookie: HTTPCookie
          useSourceIp: bool
          httpQueryParameterName: string
          ringHash: RingHash
          maglev: Maglev
          minimumRingSize: uint
        HTTPCookie
          name: string
          path: string
          ttl: span
          attributes: [CookieAttribute]
        CookieAttribute
          name: string
          value: string
        RingHash
          minimumRingSize: uint
        Maglev
          tableSize: uint
        LocalitySetting
          enabled: bool
          distribute: [Distribute]
          failover: [Failover]
          failoverPriority: [string]
        ZoneSetting
          enabled: bool
          failover: [Failover]
          failoverPriority: [string]
          minClusterSize: uint
        Distribute
          from: string
          to: {uint}
        Failover
          from: string
          to: string
        Warmup
          duration: duration
          minimumPercent: number
          aggression: number
        ConnectionPool
          tcp: TCPSettings
          http: HTTPSettings
        TCPSettings
          maxConnections: int
          connectTimeout: duration
          tcpKeepalive: Keepalive
          maxConnectionDuration: duration
          idleTimeout: span
        Keepalive
          probes: uint
          time: duration
          interval: duration
        HTTPSettings
          http1MaxPendingRequests: int
          http2MaxRequests: int
          maxRequestsPerConnection: int
          maxRetries: int
          idleTimeout: duration
          h2UpgradePolicy: DEFAULT|DO_NOT_UPGRADE|UPGRADE
          useClientProtocol: bool
          maxConcurrentStreams: int
          http2KeepAlive: HTTP2Keepalive
        HTTP2Keepalive
          interval: duration
          timeout: duration
        OutlierDetection
          consecutiveErrors: int -- Istio ignores it too; use consecutive5xxErrors
          consecutive5xxErrors: uint
          consecutiveGatewayErrors: uint
          consecutiveLocalOriginFailures: uint
          splitExternalLocalOriginErrors: bool
          interval: duration
          baseEjectionTime: duration
          maxEjectionPercent: percent
          minHealthPercent: percent
          outlierDetectionHttpErrorCodes: [uint] -- every 5xx counts
        ClientTLS
          mode: DISABLE|SIMPLE|MUTUAL|ISTIO_MUTUAL
          clientCertificate: string
          privateKey: string
          caCertificates: string
          caCrl: string
          credentialName: string
          subjectAltNames: [string]
          sni: string
          insecureSkipVerify: bool
        """

    private static let gateway = """
        Gateway
          servers: [Server]
          selector: {string}
        Server
          name: string
          port: Port
          bind: string
          hosts: [string]
          tls: ServerTLS
          defaultEndpoint: string -- Istio ignores it too
        Port
          number: uint
          name: string
          protocol: string
          targetPort: uint
        ServerTLS one-of credentialName,credentialNames one-of credentialNames,tlsCertificates
          httpsRedirect: bool
          mode: PASSTHROUGH|SIMPLE|MUTUAL|AUTO_PASSTHROUGH|ISTIO_MUTUAL|OPTIONAL_MUTUAL
          serverCertificate: string
          privateKey: string
          caCertificates: string
          caCrl: string
          credentialName: string
          credentialNames: [string]
          caCertCredentialName: string
          tlsCertificates: [TLSCertificate]
          subjectAltNames: [string]
          verifyCertificateSpki: [string]
          verifyCertificateHash: [string]
          minProtocolVersion: TLS_AUTO|TLSV1_0|TLSV1_1|TLSV1_2|TLSV1_3
          maxProtocolVersion: TLS_AUTO|TLSV1_0|TLSV1_1|TLSV1_2|TLSV1_3
          cipherSuites: [string]
          insecureSkipVerify: bool! -- the certificates of clients are verified all the same
        TLSCertificate
          serverCertificate: string
          privateKey: string
          caCertificates: string
        """

    private static let serviceEntry = """
        ServiceEntry
          hosts: [string]
          addresses: [string]
          ports: [Port]
          location: MESH_EXTERNAL|MESH_INTERNAL
          resolution: NONE|STATIC|DNS|DNS_ROUND_ROBIN|DYNAMIC_DNS! -- the service has no endpoints
          endpoints: [WorkloadEntry]
          workloadSelector: LabelSelector
          exportTo: [string]
          subjectAltNames: [string]
        LabelSelector
          labels: {string}
        WorkloadEntry
          address: string
          ports: {port}
          labels: {string}
          network: string -- every endpoint is reached directly
          locality: string
          weight: uint
          serviceAccount: string
        WorkloadEntryStatus ...
          conditions: [Condition]
        Condition ...
          type: string
          status: string
        """

    private static let sidecar = """
        Sidecar
          workloadSelector: LabelSelector
          ingress: [Ingress]
          egress: [Egress]
          inboundConnectionPool: ConnectionPool
          outboundTrafficPolicy: OutboundTrafficPolicy
        Ingress
          port: Port
          bind: string
          captureMode: DEFAULT|IPTABLES|NONE
          defaultEndpoint: string
          tls: ServerTLS
          connectionPool: ConnectionPool
        Egress
          port: Port
          bind: string
          captureMode: DEFAULT|IPTABLES|NONE
          hosts: [string]
        OutboundTrafficPolicy
          mode: REGISTRY_ONLY|ALLOW_ANY
          egressProxy: Destination
        """
}
