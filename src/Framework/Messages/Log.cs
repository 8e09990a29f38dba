using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Tessera.Framework.Messages;

/// <summary>
/// Loggers for the parts of Tessera. They write nowhere until a program sets <see cref="Factory"/>, as the tools do; a program of one's own
/// sets the factory that it already has.
/// </summary>
public static class Log
{
    /// <summary>The category of what a user reads about a run.</summary>
    public const string Run = "Tessera.Run";

    private static volatile ILoggerFactory s_factory = NullLoggerFactory.Instance;

    /// <summary>Where messages go from now on, also those of loggers that were made before.</summary>
    public static ILoggerFactory Factory
    {
        get => s_factory;
        set => s_factory = value;
    }

    /// <summary>A factory for those who keep one, services for example: its loggers go where <see cref="Factory"/> leads at each
    /// message.</summary>
    public static ILoggerFactory Following { get; } = new FollowingFactory();

    /// <param name="category">By which a program chooses what it shows.</param>
    public static ILogger For(string category) => new Current(category);

    private sealed class FollowingFactory : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => For(categoryName);

        public void AddProvider(ILoggerProvider provider) => s_factory.AddProvider(provider);

        public void Dispose() { }
    }

    /// <summary>Asks the present factory each time, so that it may be kept in a static field.</summary>
    private sealed class Current(string category) : ILogger
    {
        private (ILoggerFactory Factory, ILogger Logger)? _made;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => Logger.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => Logger.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Logger.Log(logLevel, eventId, state, exception, formatter);

        private ILogger Logger
        {
            get
            {
                var factory = s_factory;
                if (_made is { } made && made.Factory == factory)
                    return made.Logger;
                var logger = factory.CreateLogger(category);
                _made = (factory, logger);
                return logger;
            }
        }
    }
}
