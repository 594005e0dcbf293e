//! The settings of a run, from the command line.

use std::time::Duration;

use samovar::runtime::{Builder, Runtime};

/// What a run is to be like. The server gets the same.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the row of the table is called.
    pub name: String,
    /// How long connections are made; those that are there then hurry to their end.
    pub duration: Duration,
    /// Instead of that time: until so many were made.
    pub made: Option<u64>,
    /// How many connections there are at a time.
    pub connections: usize,
    /// How many workers each of the two runtimes has; 0 is a current-thread runtime.
    pub workers: usize,
    /// How many tasks of the server block their worker again and again.
    pub hogs: usize,
    /// How many threads of the server compute without a pause.
    pub burners: usize,
    /// What all that is random comes from.
    pub seed: u64,
    /// What the server is to do wrong.
    pub plant: Option<Plant>,
}

/// A mistake, made on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A byte is lost.
    Byte,
    /// A task stays.
    Task,
    /// A descriptor stays open.
    Descriptor,
    /// Memory is not freed.
    Memory,
}

impl Settings {
    /// Reads `--seconds 20 --connections 10000` and so on.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
        let mut settings = Settings {
            name: "load".to_owned(),
            duration: Duration::from_secs(20),
            made: None,
            connections: 10_000,
            workers: 2,
            hogs: 0,
            burners: 0,
            seed: 1,
            plant: None,
        };
        while let Some(key) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{key}: a value is missing"))?;
            let number = || {
                let number = value.parse::<u32>();
                number.map_err(|error| format!("{key} {value:?}: {error}"))
            };
            match key.as_str() {
                "--name" => settings.name = value,
                "--seconds" => settings.duration = Duration::from_secs(number()?.into()),
                "--made" => settings.made = Some(number()?.into()),
                "--connections" => settings.connections = number()?.max(1) as usize,
                "--workers" => settings.workers = number()? as usize,
                "--hogs" => settings.hogs = number()? as usize,
                "--burners" => settings.burners = number()? as usize,
                "--seed" => settings.seed = number()?.into(),
                "--plant" => settings.plant = Some(Plant::parse(&value)?),
                _ => return Err(format!("{key}: there is no such option")),
            }
        }
        Ok(settings)
    }

    /// A runtime with so many workers.
    pub fn runtime(&self) -> Result<Runtime, String> {
        let mut builder = match self.workers {
            0 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        builder
            .worker_threads(self.workers.max(1))
            // The hogs are meant to block.
            .warn_blocking_after(Duration::MAX)
            .build()
            .map_err(|error| format!("no runtime can be built: {error}"))
    }

    /// How long a connection pauses at most between two steps: the more there are, the longer, so that the machine can
    /// keep up with all of them.
    pub fn pause(&self) -> Duration {
        Duration::from_micros(10 * self.connections as u64)
    }
}

impl Plant {
    fn parse(name: &str) -> Result<Plant, String> {
        match name {
            "byte" => Ok(Plant::Byte),
            "task" => Ok(Plant::Task),
            "descriptor" => Ok(Plant::Descriptor),
            "memory" => Ok(Plant::Memory),
            _ => Err(format!("--plant {name:?}: there is no such mistake")),
        }
    }
}
