//! A certificate for 127.0.0.1 that no program trusts unless it is told to.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The certificate and its key, as files.
pub struct Certificate {
    pub path: String,
    pub key_path: String,
}

impl Certificate {
    /// The certificate of these tests, which the first call makes.
    pub fn get() -> &'static Self {
        static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
        CERTIFICATE.get_or_init(|| {
            let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
            // Each test is a process of its own, and some run at the same time.
            let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
            fs::create_dir_all(&folder).unwrap();
            let file = |name: &str, text: String| {
                let path = folder.join(name);
                fs::write(&path, text).unwrap();
                path.to_str().unwrap().to_owned()
            };
            let path = file("certificate.pem", made.cert.pem());
            Self { path, key_path: file("key.pem", made.signing_key.serialize_pem()) }
        })
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.path).unwrap()
    }

    #[allow(dead_code, reason = "only the test of the client is a server")]
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_file(&self.key_path).unwrap()
    }
}
