import Foundation
import Testing

@testable import TLS

/// Certificates that `openssl` issues once for a run of the tests, in a directory of its own.
enum Authority {
    static let directory: String = {
        let path = temporary
        atexit { try? FileManager.default.removeItem(atPath: Authority.temporary) }
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-ec", script]
        process.currentDirectoryURL = URL(fileURLWithPath: path)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        do { try process.run() } catch { Issue.record("no shell: \(error)") }
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "openssl issues certificates")
        return path
    }()

    private static var temporary: String { NSTemporaryDirectory() + "outrider-tls-\(getpid())" }

    static func file(_ name: String) -> PEMSource { .file("\(directory)/\(name)") }

    static func certificate(_ name: String) -> CertificateSource {
        CertificateSource(chain: file("\(name).pem"), key: file("\(name).key"))
    }

    private static let script = """
        ca() {
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.pem -days 30 \\
            -subj "/O=Test/CN=$1" -addext keyUsage=critical,keyCertSign,cRLSign
        }
        # NAME AUTHORITY KEY SANS [START END]
        issue() {
          case $3 in
            rsa*) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:${3#rsa} -out $1.key ;;
            *) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key ;;
          esac
          openssl req -new -key $1.key -subj "/O=Test/CN=$1" -out $1.csr
          printf '%s\\n' '[ca]' 'default_ca=d' '[d]' 'database=index.txt' 'new_certs_dir=.' 'rand_serial=yes' \\
            'default_md=sha256' 'policy=p' 'default_crl_days=30' 'unique_subject=no' 'x509_extensions=e' \\
            '[p]' 'O=optional' 'CN=supplied' '[e]' "subjectAltName=$4" > $1.cnf
          openssl ca -batch -notext -config $1.cnf -cert $2.pem -keyfile $2.key -in $1.csr -out $1.pem \\
            -startdate ${5:-20200101000000Z} -enddate ${6:-20980101000000Z}
        }
        touch index.txt
        ca ca; ca other
        SERVER='DNS:localhost,DNS:*.example.com,IP:127.0.0.1,URI:spiffe://cluster.local/ns/a/sa/server'
        issue server ca ec "$SERVER"
        issue server-rsa ca rsa2048 "$SERVER"
        issue weak ca rsa1024 "$SERVER"
        issue client ca ec URI:spiffe://cluster.local/ns/a/sa/client,DNS:client.example.com
        issue stranger ca ec URI:spiffe://elsewhere.test/ns/a/sa/client
        issue forged other ec URI:spiffe://cluster.local/ns/a/sa/client
        issue expired ca ec "$SERVER" 20200101000000Z 20210101000000Z
        issue future ca ec "$SERVER" 20970101000000Z 20980101000000Z
        issue revoked ca ec URI:spiffe://cluster.local/ns/a/sa/revoked
        openssl ca -config client.cnf -cert ca.pem -keyfile ca.key -revoke revoked.pem
        openssl ca -gencrl -config client.cnf -cert ca.pem -keyfile ca.key -out crl.pem
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -out self.pem -days 30 \\
          -subj /CN=self -addext subjectAltName=DNS:localhost
        openssl pkey -aes256 -passout pass:x -in server.key -out encrypted.key
        printf 'no PEM here\\n' > empty.pem
        printf -- '-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n' > broken.pem
        printf -- '-----BEGIN X509 CRL-----\\nAAAA\\n-----END X509 CRL-----\\n' > broken-crl.pem
        openssl x509 -in client.pem -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary \\
          | openssl base64 -A > client.spki
        openssl x509 -in client.pem -noout -fingerprint -sha256 | cut -d= -f2 | tr -d '\\n' > client.hash
        """
}
