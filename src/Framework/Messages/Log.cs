using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Tessera.Framework.Messages;

/// <summary>
/// Loggers for the parts of Tessera. They write nowhere until a program sets <see cref="Factory"/> to the factory that it already has, or
/// a run opens its log, which adds its file beside that factory (<see cref="AddProvider"/>) and never replaces it.
/// </summary>
public static class Log
{
    /// <summary>The category of what a user reads about a run.</summary>
    public const string Run = "Tessera.Run";

    /// <summary>The category of the figures of a run, one line now and then: loss, learning rate, speed.</summary>
    public const string Progress = "Tessera.Progress";

    private static readonly Lock s_changing = new();
    private static volatile Places s_places = new(NullLoggerFactory.Instance, []);

    /// <summary>Where messages go from now on, also those of loggers that were made before.</summary>
    /// <value>By default one that writes nowhere.</value>
    public static ILoggerFactory Factory
    {
        get => s_places.Factory;
        set
        {
            lock (s_changing)
                s_places = new(value, s_places.Providers);
        }
    }

    /// <summary>Whether the program has set a <see cref="Factory"/> of its own, and so shows the messages itself.</summary>
    public static bool HasFactory => s_places.Factory is not NullLoggerFactory;

    /// <summary>How a program says a message in words of its own, such as the options of its command line: from the text and the values
    /// that stand in it, the text to show. It holds for every place.</summary>
    /// <value>null by default: messages are shown as they are.</value>
    public static Func<string, IEnumerable<object?>, string>? Wording { get; set; }

    /// <summary>Sends messages to a further place, beside the factory.</summary>
    /// <param name="provider">Disposed with what is returned.</param>
    /// <returns>Ends it when disposed.</returns>
    public static IDisposable AddProvider(ILoggerProvider provider)
    {
        lock (s_changing)
            s_places = new(s_places.Factory, [.. s_places.Providers, provider]);
        return new Removal(provider);
    }

    /// <summary>A factory for those who keep one, services for example: its loggers go where <see cref="Factory"/> leads at each
    /// message.</summary>
    public static ILoggerFactory Following { get; } = new FollowingFactory();

    /// <param name="category">By which a program chooses what it shows.</param>
    public static ILogger For(string category) => new Current(category);

    private sealed class Places(ILoggerFactory factory, ILoggerProvider[] providers)
    {
        public ILoggerFactory Factory => factory;

        public ILoggerProvider[] Providers => providers;

        public ILogger[] Loggers(string category) =>
            [factory.CreateLogger(category), .. providers.Select(provider => provider.CreateLogger(category))];
    }

    private sealed class Removal(ILoggerProvider provider) : IDisposable
    {
        public void Dispose()
        {
            lock (s_changing)
                s_places = new(s_places.Factory, [.. s_places.Providers.Where(other => other != provider)]);
            provider.Dispose();
        }
    }

    private sealed class FollowingFactory : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => For(categoryName);

        public void AddProvider(ILoggerProvider provider) => s_places.Factory.AddProvider(provider);

        public void Dispose() { }
    }

    /// <summary>Asks for the present places each time, so that it may be kept in a static field.</summary>
    private sealed class Current(string category) : ILogger
    {
        private (Places Places, ILogger[] Loggers)? _made;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => new Scopes([.. Loggers.Select(logger => logger.BeginScope(state))]);

        public bool IsEnabled(LogLevel logLevel) => Array.Exists(Loggers, logger => logger.IsEnabled(logLevel));

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (Wording is { } wording)
            {
                var text = formatter(state, exception);
                var told = wording(text, Values(state));
                if (told != text)
                {
                    Write(logLevel, eventId, told, exception, (said, _) => said);
                    return;
                }
            }
            Write(logLevel, eventId, state, exception, formatter);
        }

        private void Write<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            foreach (var logger in Loggers)
                logger.Log(logLevel, eventId, state, exception, formatter);
        }

        private static IEnumerable<object?> Values<TState>(TState state) =>
            state is IEnumerable<KeyValuePair<string, object?>> named ? named.Select(value => value.Value) : [];

        private ILogger[] Loggers
        {
            get
            {
                var places = s_places;
                if (_made is { } made && made.Places == places)
                    return made.Loggers;
                var loggers = places.Loggers(category);
                _made = (places, loggers);
                return loggers;
            }
        }
    }

    private sealed class Scopes(IDisposable?[] scopes) : IDisposable
    {
        public void Dispose()
        {
            foreach (var scope in scopes)
                scope?.Dispose();
        }
    }
}
