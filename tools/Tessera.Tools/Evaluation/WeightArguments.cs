using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Evaluation;

/// <summary>The options of tools that take weights from elsewhere: where in the file they are, and what they are called there.</summary>
internal sealed class WeightArguments
{
    private readonly Option<WeightChoice> _weights = CommandLine.Weights();

    private readonly Option<string?> _part = new("--part")
    {
        Description =
            "Published weights: the dictionary of a PyTorch file that holds them, such as state_dict or ema.module. "
            + "Default: the usual names, in any nesting.",
        HelpName = "NAME",
    };

    private readonly Option<string?> _prefix = new("--prefix")
    {
        Description =
            "Published weights: only tensors whose names begin so, without it. Default: module., model., student. and the like, in any "
            + "nesting.",
        HelpName = "TEXT",
    };

    private readonly Option<string?> _keys = new("--keys")
    {
        Description =
            "Published weights: whose names they have: a key map of the model (timm, torchvision, mmlab …), or own. Default: whichever "
            + "fits most.",
        HelpName = "MAP",
    };

    private readonly Option<string[]> _keyMap = new("--key-map")
    {
        Description =
            "Published weights: a regular expression and its replacement, for every name after the prefix; "
            + "an empty TEXT leaves the tensor out; several in order.",
        HelpName = "PATTERN=TEXT",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<bool> _inOrder = new("--classes-in-order")
    {
        Description = "The classes of the weights are the data's in the same order, whatever they are called.",
    };

    private readonly Option<ChannelOrder> _inputMode = new("--input-mode")
    {
        Description = "Published weights: rgb, or bgr where they were trained on BGR images. Default: rgb.",
        HelpName = "ORDER",
        DefaultValueFactory = _ => ChannelOrder.Rgb,
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_weights, _part, _prefix, _keys, _keyMap, _inOrder, _inputMode])
            command.Add(option);
    }

    /// <summary>As given; the checkpoint's name is the tool's to fill in.</summary>
    public PretrainedOptions Read(ParseResult parsed) =>
        new(
            "",
            parsed.GetValue(_keys),
            parsed.GetValue(_prefix),
            parsed.GetValue(_part),
            parsed.GetValue(_weights),
            KeyMap(parsed.GetRequiredValue(_keyMap)),
            MatchClasses: parsed.GetValue(_inOrder) ? ClassMatch.InOrder : ClassMatch.ByName,
            InputMode: parsed.GetValue(_inputMode)
        );

    /// <exception cref="UserErrorException">An option is given that only means something for published weights.</exception>
    /// <param name="classes">Whether the order of classes has no meaning either.</param>
    public static void RequireNone(PretrainedOptions reading, string path, string what, bool classes)
    {
        var given =
            reading.Keys is not null ? "--keys"
            : reading.Prefix is not null ? "--prefix"
            : reading.Part is not null ? "--part"
            : reading.KeyMap is not null ? "--key-map"
            : classes && reading.MatchClasses != ClassMatch.ByName ? "--classes-in-order"
            : reading.InputMode != ChannelOrder.Rgb ? "--input-mode"
            : null;
        if (given is not null)
            throw new UserErrorException($"{path}\n  {given} tells how weights from elsewhere are read; this is {what}. Leave it out.");
    }

    private static Dictionary<string, string>? KeyMap(string[] given)
    {
        if (given.Length == 0)
            return null;
        var map = new Dictionary<string, string>();
        foreach (var text in given)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
                throw new UserErrorException($"--key-map is \"{text}\"; PATTERN=TEXT was expected, for example \"^features\\.=layers.\".");
            if (!map.TryAdd(text[..at], text[(at + 1)..]))
                throw new UserErrorException($"--key-map: the pattern \"{text[..at]}\" is given twice.");
        }
        return map;
    }
}
