//! The rules, applied to a store.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::HeaderName;
use mainstay_core::InvalidSetting;

use crate::cache::{
    answer::{Kept, KeptAnswer, KeptHead},
    credential::Credentials,
    key::AnswerKey,
    lifetime::satisfies,
    message::{CacheRequest, CacheResponse, RequestView},
    request::{Get, KeptRequest, Kind},
    scope::Scope,
    storable::{NotKept, Storable},
    store::AnswerStore,
    vary::Vary,
};

/// Which responses are kept as last good answers, and for which callers: the rules of HTTP (RFC 9111; [the table](crate::cache)).
///
/// By default responses for all callers are kept, as by a shared cache. Responses for one caller (`private`,
/// `Set-Cookie`, a request with a credential) are kept only if [`with_caller`](Self::with_caller) names the caller, and
/// then for that caller alone.
///
/// ```
/// use mainstay_http::cache::CacheRules;
///
/// // The user that a layer above has authenticated.
/// #[derive(Clone)]
/// struct User(String);
///
/// let rules = CacheRules::new().with_caller(|request| request.extension::<User>().map(|user| user.0.clone()));
/// # drop(rules);
/// ```
#[derive(Clone)]
pub struct CacheRules {
    caller: Option<Arc<NameCaller>>,
    credentials: Credentials,
    /// The number of the next note that a response depends on fields. Shared by all clones.
    generations: Arc<AtomicU64>,
}

type NameCaller = dyn Fn(&RequestView<'_>) -> Option<String> + Send + Sync;

// === impl CacheRules ===

impl CacheRules {
    /// Creates rules that keep what is for all callers.
    #[must_use]
    pub fn new() -> Self {
        Self { caller: None, credentials: Credentials::default(), generations: Arc::default() }
    }

    /// Keeps responses for one caller too, each for the caller that this function returns for its request. A response to
    /// a named caller is for all only if it says so. Requests without a caller share what is for all.
    ///
    /// The name must be one that was verified, such as that of an authenticated user or the whole `Authorization`: a
    /// name that a client may choose gives it the answers of others. An empty name counts as none.
    #[must_use]
    pub fn with_caller<F>(mut self, caller: F) -> Self
    where
        F: Fn(&RequestView<'_>) -> Option<String> + Send + Sync + 'static,
    {
        self.caller = Some(Arc::new(caller));
        self
    }

    /// Takes this field of a request for a credential, so that the response is for one caller unless it says that it is
    /// for all. Fields whose names look like one (`Cookie`, `X-Api-Key`, `X-Auth-Request-User`) are taken for one already.
    ///
    /// ```
    /// use mainstay_http::cache::CacheRules;
    ///
    /// let rules = CacheRules::new().with_credential("X-Employee")?.without_credential(http::header::COOKIE)?;
    /// # let _ = rules;
    /// assert!(CacheRules::new().with_credential("X Employee").is_err());
    /// # Ok::<_, mainstay_core::InvalidSetting>(())
    /// ```
    ///
    /// # Errors
    /// A text that is not the name of a field.
    pub fn with_credential(mut self, name: impl AsRef<str>) -> Result<Self, InvalidSetting> {
        self.credentials.add(field_name("credential", name.as_ref())?);
        Ok(self)
    }

    /// Does not take this field of a request for a credential: for cookies or tokens on which no response depends.
    /// `Authorization` stays one (RFC 9111, 3.5).
    ///
    /// # Errors
    /// A text that is not the name of a field.
    pub fn without_credential(mut self, name: impl AsRef<str>) -> Result<Self, InvalidSetting> {
        self.credentials.except(field_name("credential", name.as_ref())?);
        Ok(self)
    }

    /// Returns what to keep of a request during its call, or `None` if its response neither is kept nor changes what is.
    #[must_use]
    pub fn keep(&self, request: &impl CacheRequest) -> Option<KeptRequest> {
        let view = request.view();
        let caller = self.caller.as_ref().and_then(|caller| caller(&view));
        // An empty name is what is left of a caller without one: it must not be shared.
        let caller: Option<Arc<str>> = caller.filter(|caller| !caller.is_empty()).map(Into::into);
        let has_credentials = caller.is_some() || view.has_user || self.credentials.are_in(view.headers);
        KeptRequest::new(view, caller, has_credentials)
    }

    /// Keeps a good response if that is allowed, as soon as its body is complete. A good response to an unsafe method
    /// removes what is kept for its target.
    pub fn store<Res: CacheResponse>(&self, request: &KeptRequest, response: Res, store: &impl AnswerStore) -> Res {
        let get = match &request.kind {
            Kind::Get(get) => get,
            Kind::Unsafe => {
                remove(request, store);
                return response;
            }
        };
        if response.is_degraded() || response.found_at().is_some_and(|found_at| found_at != get.target) {
            return response;
        }
        match Storable::of(get, request.caller.is_some(), response.status(), response.headers()) {
            Ok(storable) => self.begin(request, get, &storable, response, store),
            Err(why) => {
                // What was kept before is not what the server wants to be kept now.
                if why == NotKept::Forbidden {
                    remove(request, store);
                }
                response
            }
        }
    }

    fn begin<Res: CacheResponse, S: AnswerStore>(
        &self,
        request: &KeptRequest,
        get: &Get,
        storable: &Storable,
        response: Res,
        store: &S,
    ) -> Res {
        let base = match storable.scope {
            Scope::Shared => Some(request.key.clone()),
            Scope::Caller => request.callers_key(),
        };
        let Some(base) = base else { return response };
        let key = match storable.vary.is_empty() {
            true => base,
            false => self.note(&base, get, &storable.vary, store),
        };
        let head = KeptHead::new(response.status(), response.headers(), response.kept_extensions(), storable);
        let bytes = head.bytes() + key.bytes();
        let Some(limit) = store.max_answer_bytes().checked_sub(bytes) else { return response };
        let (pending, keep_for) = (store.begin(key, get.sent_at), storable.keep_for);
        response.collected(limit, move |body| {
            let bytes = bytes + body.len() as u64;
            if let Some(answer) = head.complete(body) {
                S::complete(pending, answer, bytes, keep_for);
            }
        })
    }

    /// Notes that the response depends on these fields, and returns the key that it is kept under.
    fn note<S: AnswerStore>(&self, base: &AnswerKey, get: &Get, vary: &Vary, store: &S) -> AnswerKey {
        // Begun before the note is read: a removal in between is not undone.
        let pending = store.begin(base.clone(), get.sent_at);
        let noted = store.get(base);
        let generation = match noted.as_ref().map(|(noted, _)| &noted.0) {
            Some(Kept::Varies { vary: noted, generation }) if noted == vary => *generation,
            _ => self.generations.fetch_add(1, Relaxed),
        };
        let key = base.variant(generation, vary, &get.headers);
        let note = KeptAnswer(Kept::Varies { vary: vary.clone(), generation });
        S::complete(pending, note, base.bytes() + vary.bytes(), Duration::MAX);
        key
    }

    /// Returns the last good answer to a request, and its age.
    ///
    /// # Errors
    /// Why there is none.
    pub fn answer<Res: CacheResponse>(
        &self,
        request: &KeptRequest,
        store: &impl AnswerStore,
    ) -> Result<(Res, Duration), &'static str> {
        let Kind::Get(get) = &request.kind else { return Err("the method is not answered from a cache") };
        if get.directives.no_cache {
            return Err("the request forbids it by no-cache");
        }
        let keys = request.callers_key().into_iter().chain([request.key.clone()]);
        let found = keys.filter_map(|key| find(&key, get, store)).min_by_key(|(_, kept)| *kept);
        let (answer, kept) = found.ok_or("no answer is cached")?;
        let Kept::Response(response) = &answer.0 else { return Err("no answer is cached") };
        let age = response.age(kept);
        if !satisfies(&get.directives, age, response.fresh()) {
            return Err("the request forbids an answer of this age");
        }
        Ok((Res::restored(response.answer(age, get.is_head)), age))
    }
}

impl Default for CacheRules {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CacheRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheRules")
            .field("names_caller", &self.caller.is_some())
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

fn find(key: &AnswerKey, get: &Get, store: &impl AnswerStore) -> Option<(Arc<KeptAnswer>, Duration)> {
    let found = store.get(key)?;
    match &found.0.0 {
        Kept::Response(_) => Some(found),
        Kept::Varies { vary, generation } => store.get(&key.variant(*generation, vary, &get.headers)),
    }
}

/// Removes what is kept for the target: for all, and for this caller.
fn remove(request: &KeptRequest, store: &impl AnswerStore) {
    store.remove(&request.key);
    if let Some(key) = request.callers_key() {
        store.remove(&key);
    }
}

fn field_name(setting: &str, name: &str) -> Result<HeaderName, InvalidSetting> {
    let allowed = "must be the name of a header field, such as X-Employee";
    name.parse().map_err(|_| InvalidSetting::new(setting, format_args!("{name:?}"), allowed))
}
