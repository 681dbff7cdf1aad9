//! ring's cryptography and, last, the elliptic curves that Node's OpenSSL takes besides: ring neither knows P-521 nor verifies
//! ECDSA with SHA-512, which authorities of one's own may use.

use std::sync::LazyLock;

use ecdsa::{
    Signature,
    elliptic_curve::{
        AffinePoint, CurveArithmetic, FieldBytes, SecretKey, ecdh::diffie_hellman, point::AffineCoordinates as _,
    },
    hazmat::verify_prehashed,
};
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use ring::digest::{Algorithm as Hash, SHA256, SHA384, SHA512, digest};
use rustls::{
    Error, NamedGroup, PeerMisbehaved, SignatureScheme,
    crypto::{
        ActiveKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup, WebPkiSupportedAlgorithms,
        ring::default_provider,
    },
    pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id},
};

/// The cryptography of every connection.
pub fn provider() -> CryptoProvider {
    let ring = default_provider();
    CryptoProvider {
        kx_groups: [&ring.kx_groups[..], &[&P521KeyExchange]].concat(),
        signature_verification_algorithms: *ALGORITHMS,
        ..ring
    }
}

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// Those of ring, and after them ours. TLS 1.3 takes the first algorithm of a scheme, TLS 1.2 the one that fits the key.
static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> = LazyLock::new(|| {
    let ring = default_provider().signature_verification_algorithms;
    let sha256: &[Algorithm] = &[&P521_SHA256];
    let sha384: &[Algorithm] = &[&P521_SHA384];
    let sha512: &[Algorithm] = &[&P521_SHA512, &P384_SHA512, &P256_SHA512];
    let joined = |lists: &[&[Algorithm]]| &*lists.concat().leak();
    let mapping = ring.mapping.iter().map(|&(scheme, algorithms)| match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => (scheme, joined(&[algorithms, sha256])),
        SignatureScheme::ECDSA_NISTP384_SHA384 => (scheme, joined(&[algorithms, sha384])),
        _ => (scheme, algorithms),
    });
    let mapping = mapping.chain([(SignatureScheme::ECDSA_NISTP521_SHA512, joined(&[sha512]))]);
    let mapping = mapping.collect::<Vec<_>>().leak();
    WebPkiSupportedAlgorithms { all: joined(&[ring.all, sha512, sha384, sha256]), mapping }
});

/// ECDSA with one curve and one hash.
#[derive(Debug)]
struct Ecdsa {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    hash: &'static Hash,
    verify: Verify,
}

type Verify = fn(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()>;

macro_rules! verify {
    ($curve:ty) => {
        |key, hash, signature| {
            let signature = Signature::<$curve>::from_der(signature).ok()?;
            verify_prehashed(&point::<$curve>(key)?.into(), hash, &signature).ok()
        }
    };
}

static P521_SHA512: Ecdsa =
    Ecdsa { key: alg_id::ECDSA_P521, signature: alg_id::ECDSA_SHA512, hash: &SHA512, verify: verify!(NistP521) };
static P521_SHA384: Ecdsa = Ecdsa { signature: alg_id::ECDSA_SHA384, hash: &SHA384, ..P521_SHA512 };
static P521_SHA256: Ecdsa = Ecdsa { signature: alg_id::ECDSA_SHA256, hash: &SHA256, ..P521_SHA512 };
static P384_SHA512: Ecdsa = Ecdsa { key: alg_id::ECDSA_P384, verify: verify!(NistP384), ..P521_SHA512 };
static P256_SHA512: Ecdsa = Ecdsa { key: alg_id::ECDSA_P256, verify: verify!(NistP256), ..P521_SHA512 };

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let hash = digest(self.hash, message);
        (self.verify)(key, hash.as_ref(), signature).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

/// The point of a public key. Reads the uncompressed form only, the one of TLS: the others need twice the code.
fn point<C: CurveArithmetic>(bytes: &[u8]) -> Option<AffinePoint<C>> {
    let [4, coordinates @ ..] = bytes else { return None };
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let (x, y) = (FieldBytes::<C>::try_from(x).ok()?, FieldBytes::<C>::try_from(y).ok()?);
    AffinePoint::<C>::from_coordinates(&x, &y).into_option()
}

/// ECDHE over P-521. A server with a key on P-521 needs it in TLS 1.2: OpenSSL presents no certificate on a curve that the
/// client does not list for key exchange.
#[derive(Debug)]
struct P521KeyExchange;

impl SupportedKxGroup for P521KeyExchange {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut bytes = [0; 66];
        default_provider().secure_random.fill(&mut bytes)?;
        // 521 bits; one number in 2^256 is too large or zero.
        bytes[0] &= 1;
        let secret = SecretKey::<NistP521>::from_slice(&bytes).map_err(|_| Error::FailedToGetRandomBytes)?;
        let public = secret.public_key();
        let public = [&[4], &public.as_affine().x()[..], &public.as_affine().y()].concat();
        Ok(Box::new(P521Secret { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

/// A key exchange whose other half has not come yet.
struct P521Secret {
    secret: SecretKey<NistP521>,
    public: Vec<u8>,
}

impl ActiveKeyExchange for P521Secret {
    fn complete(self: Box<Self>, theirs: &[u8]) -> Result<SharedSecret, Error> {
        let theirs = point::<NistP521>(theirs).ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let shared = diffie_hellman(self.secret.to_nonzero_scalar(), theirs);
        Ok(SharedSecret::from(&shared.raw_secret_bytes()[..]))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use ecdsa::{elliptic_curve::NonZeroScalar, hazmat::sign_prehashed};
    use rustls::{
        ClientConfig, ClientConnection, Error, NamedGroup, ServerConfig, ServerConnection, SignatureAlgorithm,
        SignatureScheme, SupportedProtocolVersion,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
        pki_types::{CertificateDer, ServerName, UnixTime},
        server::{ClientHello, ResolvesServerCert},
        sign::{CertifiedKey, Signer, SigningKey},
        version::{TLS12, TLS13},
    };

    use super::{NistP521, SHA256, SHA512, SecretKey, SupportedKxGroup, digest, provider};
    use crate::net::tls::certificates;

    /// Five certificates that each vouch for themselves, an authority and a certificate of it, from 2020 to 2120. Each made by
    /// ```sh
    /// openssl ecparam -name secp521r1 -genkey -noout -out NAME.key
    /// openssl req -new -key NAME.key -subj /CN=NAME -out NAME.csr
    /// openssl ca -batch -notext -config ca.cnf -in NAME.csr -md sha512 -extensions leaf \
    ///   -startdate 20200101000000Z -enddate 21200101000000Z -selfsign -keyfile NAME.key -out NAME.pem
    /// ```
    /// with `-cert authority.pem -keyfile authority.key` for the last one.
    const PEM: &str = include_str!("../../../tests/fixtures/ecdsa.pem");

    /// The private key of the last certificate.
    const KEY: &str = "00cf4227f68779dddc4257a6dbad6069190a3e4b8a3c48c6562f5365684536b41a65510858a3ca6b7699af8f89554b624fe4eb00081e12fd2480a839acfddde1784f";

    fn fixture() -> Vec<CertificateDer<'static>> {
        certificates(PEM).collect()
    }

    fn trusting(authority: &CertificateDer<'static>) -> rustls::RootCertStore {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.clone()).unwrap();
        roots
    }

    fn verified(authority: &CertificateDer<'static>, leaf: &CertificateDer<'static>) -> Result<(), Error> {
        let roots = Arc::new(trusting(authority));
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::new(provider())).build().unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let name = ServerName::try_from("gate.test").unwrap();
        verifier.verify_server_cert(leaf, &[], &name, &[], now).map(|_| ())
    }

    #[test]
    fn certificates_on_p521_or_with_sha512_are_verified_and_forged_ones_are_not() {
        let certificates = fixture();
        assert_eq!(certificates.len(), 7);
        for (index, certificate) in certificates.iter().take(5).enumerate() {
            assert_eq!(verified(certificate, certificate), Ok(()), "{index}");
            let mut forged = certificate.to_vec();
            // The last byte of the signature.
            *forged.last_mut().unwrap() ^= 1;
            let forged = verified(certificate, &CertificateDer::from(forged));
            assert_eq!(forged, Err(Error::InvalidCertificate(rustls::CertificateError::BadSignature)), "{index}");
        }
        assert_eq!(verified(&certificates[5], &certificates[6]), Ok(()));
        assert!(verified(&certificates[0], &certificates[6]).is_err());
    }

    #[test]
    fn a_server_with_a_key_on_p521_is_spoken_to_by_any_key_exchange() {
        for version in [&TLS12, &TLS13] {
            for group in [NamedGroup::X25519, NamedGroup::secp384r1, NamedGroup::secp521r1] {
                let scheme = SignatureScheme::ECDSA_NISTP521_SHA512;
                assert_eq!(handshake(version, group, scheme), Ok(Some(group)), "{version:?} {group:?}");
            }
        }
        // TLS 1.2 leaves the hash to the server whatever its key is.
        let other = SignatureScheme::ECDSA_NISTP256_SHA256;
        assert_eq!(handshake(&TLS12, NamedGroup::X25519, other), Ok(Some(NamedGroup::X25519)));
    }

    /// The group in which a client of ours and a server with a key on P-521 agreed.
    fn handshake(
        version: &'static SupportedProtocolVersion,
        group: NamedGroup,
        scheme: SignatureScheme,
    ) -> Result<Option<NamedGroup>, Error> {
        let certificates = fixture();
        let mut servers = provider();
        servers.kx_groups.retain(|offered| offered.name() == group);
        let server = ServerConfig::builder_with_provider(Arc::new(servers))
            .with_protocol_versions(&[version])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(P521Server { certificate: certificates[6].clone(), scheme }));
        let client = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[version])?
            .with_root_certificates(trusting(&certificates[5]))
            .with_no_client_auth();
        let mut server = ServerConnection::new(Arc::new(server))?;
        let mut client = ClientConnection::new(Arc::new(client), ServerName::try_from("gate.test").unwrap())?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes).unwrap();
            }
            server.read_tls(&mut &*bytes).unwrap();
            server.process_new_packets()?;
            bytes.clear();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            client.read_tls(&mut &*bytes).unwrap();
            client.process_new_packets()?;
        }
        Ok(client.negotiated_key_exchange_group().map(SupportedKxGroup::name))
    }

    /// A server that signs with P-521, which no provider of ours does.
    #[derive(Debug)]
    struct P521Server {
        certificate: CertificateDer<'static>,
        scheme: SignatureScheme,
    }

    impl ResolvesServerCert for P521Server {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::new(CertifiedKey::new(vec![self.certificate.clone()], Arc::new(P521Key(self.scheme)))))
        }
    }

    #[derive(Clone, Copy, Debug)]
    struct P521Key(SignatureScheme);

    impl SigningKey for P521Key {
        fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
            offered.contains(&self.0).then(|| Box::new(*self) as Box<dyn Signer>)
        }

        fn algorithm(&self) -> SignatureAlgorithm {
            SignatureAlgorithm::ECDSA
        }
    }

    impl Signer for P521Key {
        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
            let hash = if self.0 == SignatureScheme::ECDSA_NISTP521_SHA512 { &SHA512 } else { &SHA256 };
            let bytes = (0..132).step_by(2).map(|at| u8::from_str_radix(&KEY[at..at + 2], 16).unwrap());
            let key: NonZeroScalar<NistP521> =
                SecretKey::from_slice(&bytes.collect::<Vec<_>>()).unwrap().to_nonzero_scalar();
            // Any number will do in a test, even the key itself.
            let (signature, _) = sign_prehashed(&key, &key, digest(hash, message).as_ref()).unwrap();
            Ok(signature.to_der().as_bytes().to_vec())
        }

        fn scheme(&self) -> SignatureScheme {
            self.0
        }
    }
}
