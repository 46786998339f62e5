//! The users of an account and their roles.

use wpengine_raw::types::{CreateAccountUserRequest, NewAccountUser, UpdateAccountUserRequest};

use super::{collection, handle};
use crate::{
    check::{self, Id},
    error::Error,
    paging::{List, Unpaged, whole_list},
    request::{operation, request},
    requests::Request,
    types::{AccountId, AccountUser, AccountUserChange, InstallId, Role, Roles, UserId},
};

collection! {
    /// The users of one account.
    AccountUsers of account_id: AccountId
}

impl AccountUsers {
    /// Lists the users. The API returns them without pages.
    ///
    /// Operation `list_account_users`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9");
    /// for user in account.users().list().collect().await? {
    ///     println!("{} is {}", user.email, user.roles);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<AccountUser, Unpaged> {
        whole_list!(self, list_account_users(account_id).results)
    }

    /// Invites a person to the account. [`name`](CreateAccountUser::name) is required. For a partial role, set the
    /// installs that the user may access with [`installs`](CreateAccountUser::installs).
    ///
    /// Operation `create_account_user`. Only the five combinations of roles that the API documents are sent; others are
    /// refused.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::Roles;
    ///
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9");
    /// let change = account
    ///     .users()
    ///     .create("john.doe@example.com", Roles::partial())
    ///     .name("John", "Doe")
    ///     .installs(["294deacc-d8b8-4005-82c4-0727ba8ddde0"])
    ///     .await?;
    /// println!("{:?}", change.message);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, email: impl Into<String>, roles: Roles) -> CreateAccountUser {
        let user = NewAccountUser {
            account_id: self.account_id.clone(),
            first_name: String::new(),
            last_name: String::new(),
            email: email.into(),
            roles,
            install_ids: Vec::new(),
        };
        CreateAccountUser::new(
            &self.client,
            &self.account_id,
            CreateAccountUserRequest { user },
        )
    }
}

handle! {
    /// A handle to one user of an account.
    AccountUserHandle of user_id: UserId, account_id: AccountId
}

impl AccountUserHandle {
    /// Fetches the user.
    ///
    /// Operation `get_account_user`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9");
    /// for user in account.users().list().collect().await? {
    ///     let again = account.user(&user.user_id).get().await?;
    ///     assert_eq!(again.email, user.email);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<AccountUser> {
        operation!(self, get_account_user(account_id, user_id))
    }

    /// Sets the roles of the user. For a partial role, set the installs that the user may access with
    /// [`installs`](UpdateAccountUser::installs).
    ///
    /// Operation `update_account_user`. The service refuses to change the role of the last owner.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::Roles;
    ///
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9");
    /// let jane = account
    ///     .users()
    ///     .create("jane.roe@example.com", Roles::partial())
    ///     .name("Jane", "Roe")
    ///     .installs(["294deacc-d8b8-4005-82c4-0727ba8ddde0"])
    ///     .await?
    ///     .account_user
    ///     .ok_or("the answer names no user")?;
    /// account.user(&jane.user_id).update(Roles::full_and_billing()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, roles: Roles) -> UpdateAccountUser {
        let body = UpdateAccountUserRequest {
            roles,
            install_ids: Vec::new(),
        };
        UpdateAccountUser::new(&self.client, &self.account_id, &self.user_id, body)
    }

    /// Removes the user from the account. The service refuses to remove the last owner.
    ///
    /// Operation `delete_account_user`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::Roles;
    ///
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9");
    /// let jane = account
    ///     .users()
    ///     .create("jane.roe@example.com", Roles::full())
    ///     .name("Jane", "Roe")
    ///     .await?
    ///     .account_user
    ///     .ok_or("the answer names no user")?;
    /// account.user(&jane.user_id).delete().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self) -> Request<()> {
        operation!(self, delete_account_user(account_id, user_id))
    }
}

request! {
    /// A request to invite a person to an account.
    CreateAccountUser(account_id: AccountId) = create_account_user(CreateAccountUserRequest) -> AccountUserChange
}

impl CreateAccountUser {
    /// Sets the first and the last name of the person. Required.
    pub fn name(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.body.user.first_name = first.into();
        self.body.user.last_name = last.into();
        self
    }

    /// Sets the installs that the user may access; for partial roles only.
    pub fn installs(mut self, installs: impl IntoIterator<Item = impl Into<InstallId>>) -> Self {
        self.body.user.install_ids = installs.into_iter().map(Into::into).collect();
        self
    }

    fn check(&self) -> Result<(), Error> {
        let user = &self.body.user;
        check::email(&user.email)?;
        check::set("first name", &user.first_name, "name")?;
        check::set("last name", &user.last_name, "name")?;
        check_roles(&user.roles, &user.install_ids)
    }
}

request! {
    /// A request to change the roles of a user.
    UpdateAccountUser(account_id: AccountId, user_id: UserId) = update_account_user(UpdateAccountUserRequest) -> AccountUserChange
}

impl UpdateAccountUser {
    /// Sets the installs that the user may access; for partial roles only.
    pub fn installs(mut self, installs: impl IntoIterator<Item = impl Into<InstallId>>) -> Self {
        self.body.install_ids = installs.into_iter().map(Into::into).collect();
        self
    }

    fn check(&self) -> Result<(), Error> {
        check_roles(&self.body.roles, &self.body.install_ids)
    }
}

fn check_roles(roles: &Roles, installs: &[InstallId]) -> Result<(), Error> {
    check::roles(roles)?;
    if !installs.is_empty() && !roles.contains(&Role::Partial) {
        return Err(Error::invalid(format!(
            "installs are given to a user with the roles `{roles}`, who reaches all of them"
        ))
        .with_hint("leave the installs out, or give a partial role"));
    }
    installs.iter().try_for_each(Id::check)
}
