using System.CommandLine;
using System.Reflection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Messages;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Tools;
using Tessera.Torch.Loading;

namespace Tessera.Tools.Output;

/// <summary>What every tool shares: the config argument, overrides, plugins, and how mistakes end.</summary>
internal static class CommandLine
{
    /// <summary>Exit code of a user's mistake.</summary>
    public const int Mistake = 1;

    /// <summary>Exit code of a defect of Tessera's.</summary>
    public const int Failure = 3;

    /// <summary>The name of an argument that is written, so that it needn't be there yet.</summary>
    public const string Output = "OUT";

    /// <summary>The config file.</summary>
    public static Argument<string> Config() => new("CONFIG") { Description = "The config file." };

    /// <summary>Overrides of the config.</summary>
    public static Option<string[]> CfgOptions() =>
        new("--cfg-options")
        {
            Description = "Changes to the config: a.b=1 a.list.0=x groups.\"key.with.dots\".lr_mult=0. Values are JSON, otherwise strings.",
            HelpName = "KEY=VALUE",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };

    /// <summary>An option that may be left out.</summary>
    /// <param name="helpName">What its value is called in the help.</param>
    public static Option<T> Option<T>(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName };

    /// <summary>An option with a value that holds where it isn't given; the description tells it.</summary>
    public static Option<T> Option<T>(string name, string helpName, T value, string description) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => value,
        };

    /// <summary>The folder that a tool writes to.</summary>
    /// <param name="description">What goes there, and which it is by default.</param>
    public static Option<string?> OutDir(string description) => new("--out-dir") { Description = description, HelpName = "DIR" };

    /// <summary>Where to compute.</summary>
    public static Option<string?> Device() => new("--device") { Description = "auto, cpu, cuda or cuda:N.", HelpName = "DEVICE" };

    /// <summary>What a tool that doesn't train computes in.</summary>
    public static Option<Precision> PrecisionOption() =>
        new("--precision")
        {
            Description = "fp32, bf16, fp16 or auto. Default: fp32.",
            HelpName = "TYPE",
            DefaultValueFactory = _ => Precision.Fp32,
        };

    /// <summary>Which of a checkpoint's weights to take.</summary>
    public static Option<WeightChoice> Weights() =>
        new("--weights")
        {
            Description = "averaged (where the checkpoint has them) or trained. Default: averaged, as training evaluates.",
            HelpName = "WHICH",
            DefaultValueFactory = _ => WeightChoice.Averaged,
        };

    /// <summary>Plugins for a checkpoint whose config names some.</summary>
    public static Option<string[]> Plugins() =>
        new("--plugin")
        {
            Description = "A plugin to load: a .dll, .csproj or .cs file. A checkpoint's own are never loaded.",
            HelpName = "PATH",
            DefaultValueFactory = _ => [],
        };

    /// <summary>Runs a tool. A user's mistake is printed without a stack trace, a defect with the place of its trace.</summary>
    /// <returns>0, <see cref="Mistake"/> or <see cref="Failure"/>.</returns>
    public static int Invoke(Command root, IReadOnlyList<string> args)
    {
        ToolConsole.Current = ToolConsole.OfProcess(text => CommandName.Told(text, root));
        Log.Wording = (text, values) => CommandName.Told(ToolAdvice.OfMessage(text, values), root);
        try
        {
            if (args is [] or ["--help" or "-h" or "-?"])
            {
                ToolConsole.Current.Line(Usage.Overview(root));
                return 0;
            }
            if (args is ["--version"])
            {
                ToolConsole.Current.Line($"Tessera {CommandName.Version}");
                return 0;
            }
            if (root.Subcommands.All(tool => tool.Name != args[0]))
                throw Usage.UnknownTool(root, args[0]);

            // A token that begins with @ is a value like any other, not a file of arguments.
            var parser = new ParserConfiguration { ResponseFileTokenReplacer = null };
            var parsed = root.Parse(args, parser);
            if (Usage.IsHelp(parsed))
            {
                ToolConsole.Current.Line(Usage.Of(parsed));
                return 0;
            }
            if (parsed.Errors.Count > 0 && Questions.Complete(args, parsed, ToolConsole.Current) is var whole && whole != args)
                parsed = root.Parse(args = whole, parser);
            if (parsed.Errors.Count > 0)
                throw Usage.Wrong(parsed);
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception exception)
        {
            var (message, isMistake) = Describe(exception, args);
            ToolConsole.Current.EndProgress();
            ToolConsole.Current.Error(message);
            return isMistake ? Mistake : Failure;
        }
        finally
        {
            ToolConsole.Current.EndProgress();
        }
    }

    /// <summary>What a person is told of an error, and whether it is a mistake of theirs; a defect's trace is written to a file.</summary>
    /// <param name="args">How the tool was called.</param>
    internal static (string Message, bool IsMistake) Describe(Exception exception, IReadOnlyList<string> args) =>
        Cause(exception) switch
        {
            UserErrorException mistake => (ToolAdvice.MessageOf(mistake), true),
            LibTorchException unusable => (unusable.Message, true),
            IOException { Message: var message } full when AtomicFile.IsFull(full) => (
                $"The disk is full, or a limit on files is reached: {message}\n  What was saved before is untouched.",
                true
            ),
            Exception refused and (IOException or UnauthorizedAccessException) => (refused.Message, true),
            var defect => (Defect.Report(defect, args), false),
        };

    /// <summary>What lies under the wrappings of threads and reflection.</summary>
    private static Exception Cause(Exception exception) =>
        exception switch
        {
            AggregateException { InnerExceptions: [var only] } => Cause(only),
            TargetInvocationException { InnerException: { } inner } => Cause(inner),
            TypeInitializationException { InnerException: UserErrorException or LibTorchException or TypeInitializationException } => Cause(
                exception.InnerException
            ),
            _ => exception,
        };
}
