#!/usr/bin/env python3
"""Certificates for tests: authorities, servers, clients, workloads, and those that must be refused.

    peers/certs.py DIRECTORY     writes NAME.crt (the chain), NAME.key and the authorities, and prints the names

A leaf's .crt holds the leaf and its intermediates; `root.crt` is what a peer trusts. Needs `cryptography` from PyPI.
"""

import base64
import datetime
import ipaddress
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
WORKLOADS = ("frontend", "productcatalog", "catalogdetail", "ingress", "client")


class Authority:
    """A certificate that signs others, with the chain that leads to it (without the root)."""

    def __init__(self, name, issuer=None, length=None, key=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        builder = (x509.CertificateBuilder().subject_name(self.name).issuer_name(issuer.name if issuer else self.name)
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(NOW - DAY).not_valid_after(NOW + 3650 * DAY)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
                   .add_extension(_usage(key_cert_sign=True, crl_sign=True, digital_signature=True), critical=True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False))
        if issuer:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.chain = [self.certificate] + issuer.chain if issuer else []

    def issue(self, name, dns=(), ips=(), uris=(), key=None, begins=NOW - DAY, ends=NOW + 30 * DAY, uses=None, critical=False):
        """A leaf: (certificate, key). Without `uses` it serves both sides."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        names = ([x509.DNSName(n) for n in dns] + [x509.IPAddress(ipaddress.ip_address(a)) for a in ips]
                 + [x509.UniformResourceIdentifier(u) for u in uris])
        builder = (x509.CertificateBuilder().subject_name(_name(name) if name else x509.Name([])).issuer_name(self.name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(begins).not_valid_after(ends)
                   .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                   .add_extension(_usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPrivateKey)), critical=True)
                   .add_extension(x509.ExtendedKeyUsage(uses or [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                                  critical=False)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=critical)
        return builder.sign(self.key, hashes.SHA256()), key

    def revoke(self, *certificates):
        """A revocation list (PEM) with these."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(NOW - DAY).next_update(NOW + 30 * DAY)
        for certificate in certificates:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(NOW - DAY).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Outrider tests"),
                      x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(**on):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: on.get(name, False) for name in names})


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def spiffe(account, namespace="workshop", domain="cluster.local"):
    return f"spiffe://{domain}/ns/{namespace}/sa/{account}"


class Folder:
    """Everything in one directory; `folder["server"]` is (path of the chain, path of the key)."""

    def __init__(self, path):
        self.path, self.names = path, []
        os.makedirs(path, exist_ok=True)
        root = Authority("root")
        middle = Authority("intermediate", root, length=1)
        low = Authority("intermediate two", middle, length=0)
        other = Authority("another root")
        self._file("root.crt", pem(root.certificate))
        self._file("other-root.crt", pem(other.certificate))
        self._file("both-roots.crt", pem(root.certificate) + pem(other.certificate))
        self._file("intermediate.crt", pem(middle.certificate))
        server, client = [ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.CLIENT_AUTH]
        local = dict(ips=["127.0.0.1", "::1"], uses=server)
        names = ["localhost", "h1.test", "h2.test", "tls-h1.test", "tls-h2.test", "web.test", "live.test"]
        rsa_key = rsa.generate_private_key(65537, 2048)
        self._leaf("server", low, "server", dns=names, **local)
        self._leaf("server-rsa", middle, "server rsa", dns=names, key=rsa_key, **local)
        self._leaf("server-p384", middle, "server p384", dns=names, key=ec.generate_private_key(ec.SECP384R1()), **local)
        self._leaf("server-new", middle, "server after rotation", dns=names, **local)
        self._leaf("wildcard", middle, "wildcard", dns=["*.shop.test", "shop.test"], uses=server)
        self._leaf("a", middle, "a", dns=["a.test"], uses=server)
        self._leaf("b", middle, "b", dns=["b.test"], uses=server)
        self._leaf("misnamed", middle, "misnamed", dns=["somebody.else.test"], uses=server)
        self._leaf("server-other", other, "server of another root", dns=names, **local)
        self._leaf("server-expired", middle, "expired", dns=names, begins=NOW - 20 * DAY, ends=NOW - DAY, **local)
        self._leaf("server-future", middle, "not yet valid", dns=names, begins=NOW + 5 * DAY, ends=NOW + 20 * DAY, **local)
        self._leaf("server-for-clients", middle, "wrong usage", dns=names, ips=["127.0.0.1"], uses=client)
        self._leaf("client", middle, "client", dns=["client.test"], uses=client)
        self._leaf("client-rsa", middle, "client rsa", dns=["client-rsa.test"], key=rsa_key, uses=client)
        self._leaf("client-expired", middle, "client expired", uses=client, begins=NOW - 20 * DAY, ends=NOW - DAY)
        self._leaf("client-future", middle, "client not yet valid", uses=client, begins=NOW + 5 * DAY, ends=NOW + 20 * DAY)
        self._leaf("client-other", other, "client of another root", uses=client)
        self._leaf("client-for-servers", middle, "client wrong usage", dns=["client.test"], uses=server)
        revoked = self._leaf("client-revoked", middle, "client revoked", uses=client)
        self_signed = Authority("self-signed")
        self._leaf("client-self", self_signed, "client self", uses=client)
        self._file("revoked.crl", root.revoke() + middle.revoke(revoked) + low.revoke())
        for account in WORKLOADS:
            self._leaf(f"workload-{account}", middle, None, uris=[spiffe(account)], critical=True)
        self._leaf("workload-stranger", other, None, uris=[spiffe("frontend")], critical=True)
        self._leaf("workload-foreign", middle, None, uris=[spiffe("frontend", domain="elsewhere.example")], critical=True)
        self._leaf("workload-expired", middle, None, uris=[spiffe("frontend")], critical=True, begins=NOW - 20 * DAY, ends=NOW - DAY)
        self._leaf("workload-nameless", middle, "no spiffe", dns=["frontend.workshop.svc.cluster.local"])
        self._leaf("workload-two", middle, None, uris=[spiffe("frontend"), spiffe("admin")], critical=True)
        self._leaf("workload-slash", middle, None, uris=[spiffe("frontend/../admin")], critical=True)

    def _leaf(self, file, authority, name, **options):
        certificate, key = authority.issue(name, **options)
        self._file(file + ".crt", pem(certificate) + b"".join(pem(c) for c in authority.chain))
        self._file(file + ".key", key_pem(key))
        self.names.append(file)
        return certificate

    def _file(self, name, data):
        with open(os.path.join(self.path, name), "wb") as file:
            file.write(data)

    def file(self, name):
        return os.path.join(self.path, name)

    def __getitem__(self, name):
        return self.file(name + ".crt"), self.file(name + ".key")

    def secret(self, name, leaf, ca=None, namespace="workshop"):
        """A Kubernetes Secret (YAML) with a chain, its key and, if named, the authority for clients."""
        def text(path):
            with open(path, "rb") as file:
                return base64.b64encode(file.read()).decode()
        lines = ["---", "apiVersion: v1", "kind: Secret", f"metadata: {{name: {name}, namespace: {namespace}}}",
                 "type: kubernetes.io/tls" if not ca else "type: Opaque", "data:",
                 f"  tls.crt: {text(self.file(leaf + '.crt'))}", f"  tls.key: {text(self.file(leaf + '.key'))}"]
        if ca:
            lines.append(f"  ca.crt: {text(self.file(ca))}")
        return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print("\n".join(Folder(sys.argv[1]).names))
