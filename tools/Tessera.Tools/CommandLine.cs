using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;

namespace Tessera.Tools;

/// <summary>The weights of a checkpoint whose run kept an average of them.</summary>
internal enum WeightChoice { Averaged, Trained }

/// <summary>What every tool shares: the config argument, overrides, plugins, and how mistakes end.</summary>
internal static class CommandLine
{
    /// <summary>Exit code of a user's mistake.</summary>
    public const int Mistake = 1;

    /// <summary>The config file.</summary>
    public static Argument<string> Config() => new("CONFIG") { Description = "The config file." };

    /// <summary>Overrides of the config.</summary>
    public static Option<string[]> CfgOptions() => new("--cfg-options")
    {
        Description = "Changes to the config: a.b=1 a.list.0=x groups.\"key.with.dots\".lr_mult=0. Values are JSON, otherwise strings.",
        HelpName = "KEY=VALUE",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    /// <summary>Where to compute.</summary>
    public static Option<string?> Device() => new("--device") { Description = "auto, cpu, cuda or cuda:N.", HelpName = "DEVICE" };

    /// <summary>What a tool that doesn't train computes in.</summary>
    public static Option<Precision> Precision() => new("--precision")
    {
        Description = "fp32, bf16, fp16 or auto. Default: fp32.",
        HelpName = "TYPE",
        DefaultValueFactory = _ => Framework.Running.Precision.Fp32,
    };

    /// <summary>Which of a checkpoint's weights to take.</summary>
    public static Option<WeightChoice> Weights() => new("--weights")
    {
        Description = "averaged (where the checkpoint has them) or trained. Default: averaged, as training evaluates.",
        HelpName = "WHICH",
        DefaultValueFactory = _ => WeightChoice.Averaged,
    };

    /// <summary>Plugins for a checkpoint whose config names some.</summary>
    public static Option<string[]> Plugins() => new("--plugin")
    {
        Description = "A plugin to load: a .dll, .csproj or .cs file. A checkpoint's own are never loaded.",
        HelpName = "PATH",
        DefaultValueFactory = _ => [],
    };

    /// <summary>Runs a tool; a user's mistake is printed without a stack trace.</summary>
    public static int Invoke(RootCommand root, IReadOnlyList<string> args)
    {
        // A token that begins with @ is a value like any other, not a file of arguments.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (UserErrorException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return Mistake;
        }
    }
}
