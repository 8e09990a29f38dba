using Microsoft.Extensions.Logging;
using NLog;
using NLog.Config;
using NLog.Extensions.Logging;
using NLog.Layouts;
using NLog.Targets;
using Log = Tessera.Framework.Messages.Log;

namespace Tessera.Framework.Logging;

/// <summary>
/// All messages into a file, by NLog. It has an NLog of its own: a program that uses NLog itself keeps its configuration.
/// </summary>
internal sealed class LogFile : IDisposable
{
    private readonly LogFactory _nlog = new();
    private readonly IDisposable _attached;

    /// <summary>Appends to the file from now on; makes it with the first message.</summary>
    public LogFile(string path)
    {
        var target = new FileTarget
        {
            Name = "file",
            FileName = Layout.FromLiteral(path),
            Layout = "${longdate} ${level:uppercase=true:padding=-5} ${logger:shortName=true}  ${message:withException=true}",
            AutoFlush = true,
        };
        var configuration = new LoggingConfiguration(_nlog);
        configuration.AddRule(NLog.LogLevel.Debug, NLog.LogLevel.Fatal, target);
        _nlog.Configuration = configuration;
        _attached = Log.AddProvider(new NLogLoggerProvider(new NLogProviderOptions(), _nlog));
    }

    /// <summary>A line for this file alone.</summary>
    public void Error(string message, Exception? exception) => _nlog.GetLogger(Log.Run).Error(exception, "{0}", message);

    public void Dispose()
    {
        _attached.Dispose();
        _nlog.Shutdown();
        _nlog.Dispose();
    }
}
