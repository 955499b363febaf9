extension Support {
    /// Outrider's own kind. `MeshConfig` has Istio's field names; those of which Outrider knows no meaning are errors.
    static let proxy = """
        Proxy
          mode: sidecar|gateway
          serviceAccount: string
          locality: string
          workers: int
          clusterDomain: string
          admin: ProxyAdmin
          listen: [ProxyListen]
          identity: ProxyIdentity
          meshConfig: MeshConfig
          drainDuration: span
        ProxyAdmin
          address: string
        ProxyIdentity
          certificateChain: string
          privateKey: string
          rootCertificates: string
        ProxyListen
          port: port
          address: string
        MeshConfig
          proxyHttpPort: int
          outboundTrafficPolicy: MeshOutboundTrafficPolicy
          pathNormalization: MeshPathNormalization
          accessLogFile: string
          accessLogEncoding: TEXT|JSON! -- lines are text
          accessLogFormat: string -- lines have Istio's default form
          defaultHttpRetryPolicy: Retries
          connectTimeout: duration
          tcpKeepalive: Keepalive
          rootNamespace: string
          trustDomain: string
          defaultServiceExportTo: [string]
          defaultVirtualServiceExportTo: [string]
          defaultDestinationRuleExportTo: [string]
          defaultConfig: MeshDefaultConfig
          defaultTrafficPolicy: any -- each rule's own policy holds
          discoverySelectors: any -- every namespace is read
          enableAutoMtls: bool
          enableTracing: bool! -- no spans are made
          enablePrometheusMerge: bool! -- only the proxy's own metrics are served
          extensionProviders: any -- no providers are called
          defaultProviders: any -- no providers are called
          h2UpgradePolicy: DO_NOT_UPGRADE|UPGRADE
          inboundTrafficPolicy: any -- only listed ports are served
          localityLbSetting: LocalitySetting -- all localities share the load
          dnsRefreshRate: duration -- names are resolved as their records say
          protocolDetectionTimeout: span
          proxyListenPort: int -- connections are not intercepted
          proxyInboundListenPort: int -- connections are not intercepted
          serviceSettings: any -- every service's endpoints are used
          meshMTLS: MeshMTLS
          tlsDefaults: MeshTLSDefaults
          caCertificates: any -- identity.rootCertificates are the only authorities
          certificates: any -- no certificates are issued
          trustDomainAliases: [string]
          verifyCertificateAtClient: bool
          enableEnvoyAccessLogService: bool! -- there is no log service
          disableEnvoyListenerLog: bool -- there is no listener log
          hboneIdleTimeout: span -- HBONE is not spoken
          ingressClass: string -- Ingress resources are not read
          ingressControllerMode: UNSPECIFIED|OFF|DEFAULT!|STRICT! -- Ingress resources are not read
          ingressSelector: string -- Ingress resources are not read
          ingressService: string -- Ingress resources are not read
          configSources: any -- the directory is the only source
        MeshMTLS
          minProtocolVersion: TLS_AUTO|TLSV1_2|TLSV1_3
          ecdhCurves: [string] -- OpenSSL's default groups are used
          cipherSuites: [string] -- Istio ignores it too
        MeshTLSDefaults
          minProtocolVersion: TLS_AUTO|TLSV1_2|TLSV1_3
          ecdhCurves: [string] -- OpenSSL's default groups are used
          cipherSuites: [string]
        MeshOutboundTrafficPolicy
          mode: REGISTRY_ONLY|ALLOW_ANY|ALLOW_ANY_DYNAMIC_DNS! -- unknown hosts are refused
        MeshPathNormalization
          normalization: DEFAULT|NONE|BASE|MERGE_SLASHES|DECODE_AND_MERGE_SLASHES
        MeshDefaultConfig
          gatewayTopology: GatewayTopology
          concurrency: int -- use workers
          drainDuration: span -- use drainDuration of the Proxy
          tracing: any -- no spans are made
          proxyMetadata: {string} -- there is no Envoy to tell
          holdApplicationUntilProxyStarts: bool -- nothing waits for the proxy
          proxyHeaders: any -- headers are added as Istio adds them
          discoveryAddress: string -- there is no control plane
          serviceCluster: string -- the proxy is called by its name
        GatewayTopology
          numTrustedProxies: uint
          forwardClientCertDetails: any -- what is said of client certificates follows from the listener
          proxyProtocol: any -- no PROXY line is read
        """

    /// Who speaks TLS to whom. A Secret's values are read without a shape, so that no message shows them.
    static let security = """
        PeerAuthentication
          selector: MatchLabels
          mtls: MutualTLS
          portLevelMtls: {MutualTLS}
        MutualTLS
          mode: UNSET|DISABLE|PERMISSIVE|STRICT
        Secret ...
          type: string
          data: any
          stringData: any
        ConfigMap ...
          data: {string?}
        """

    /// Kubernetes' own kinds: what a proxy reads of them. The rest is Kubernetes' concern.
    static let kubernetes = """
        Metadata ...
          name: string
          namespace: string
          labels: {string?}
          annotations: {string?}
          creationTimestamp: string
        Service ...
          type: string
          clusterIP: string
          clusterIPs: [string]
          externalName: string
          selector: {string}
          ports: [ServicePort]
          publishNotReadyAddresses: bool
        ServicePort ...
          name: string
          port: port
          targetPort: int|string
          protocol: string
          appProtocol: string
        Endpoints ...
          subsets: [EndpointsSubset]
        EndpointsSubset ...
          addresses: [EndpointsAddress]
          notReadyAddresses: [EndpointsAddress]
          ports: [EndpointPort]
        EndpointsAddress ...
          ip: string
          nodeName: string
          targetRef: ObjectReference
        ObjectReference ...
          kind: string
          name: string
        EndpointPort ...
          name: string
          port: port
          protocol: string
        EndpointSlice ...
          addressType: IPv4|IPv6|FQDN
          endpoints: [SliceEndpoint]
          ports: [EndpointPort]
        SliceEndpoint ...
          addresses: [string]
          conditions: SliceConditions
          nodeName: string
          zone: string
          targetRef: ObjectReference
        SliceConditions ...
          ready: bool
          serving: bool
          terminating: bool
        Pod ...
          containers: [Container]
          initContainers: [Container]
          nodeName: string
          serviceAccountName: string
        Container ...
          ports: [ContainerPort]
        ContainerPort ...
          name: string
          containerPort: port
          protocol: string
        PodStatus ...
          podIP: string
          podIPs: [PodIP]
          phase: string
          conditions: [Condition]
        PodIP ...
          ip: string
        """
}
