using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Models.PseudoLabels;
using Tessera.Tools.Output;

namespace Tessera.Tools.PseudoLabels;

/// <summary>The options of tools/pseudo-labels that say how labels are made.</summary>
internal sealed class PseudoLabelArguments
{
    private readonly Option<string> _folder = new("--out-dir")
    {
        Description = "Where masks/NAME.png and pseudo-labels.json go. A run that was broken off goes on there.",
        HelpName = "DIR",
        Required = true,
    };

    private readonly Option<string> _part = Text(
        "--split",
        "PART",
        "train",
        "Which part of the config's data: train, val or test. Default: train."
    );

    private readonly Option<string?> _source = new("--source")
    {
        Description =
            "Where the classes' maps come from: grad_cam or another activation method (tools/list-components \"activation map\"), "
            + "patch_similarity, or a kind of the model's own. Default: the model's own, otherwise grad_cam.",
        HelpName = "NAME",
    };

    private readonly Option<string> _scales = Text(
        "--scales",
        "LIST",
        "1",
        "Sizes at which an image is looked at, relative to the config's: 0.5,1,1.5. The maps of all are summed. Default: 1."
    );

    private readonly Option<bool> _flip = new("--flip") { Description = "Look at the mirror image, too." };

    private readonly Option<MirrorMerge> _mirror = Of(
        "--mirror",
        "HOW",
        MirrorMerge.Max,
        "How the maps of an image and its mirror image become one: max or sum. Default: max."
    );

    private readonly Option<string> _affinity = Text(
        "--affinity",
        "KIND",
        "none",
        "What makes maps follow what belongs together: none, patch (a transformer's attention, or like features), pixel (colours) or "
            + "random_walk. Default: none."
    );

    private readonly Option<AffinitySource> _affinitySource = Of(
        "--affinity-from",
        "WHAT",
        AffinitySource.Auto,
        "Of patch and random_walk: attention, features or auto (attention where there is any over the whole image). Default: auto."
    );

    private readonly Option<double> _power = Of("--power", "N", 8.0, "Of patch, with features: the power of their cosine. Default: 8.");

    private readonly Option<double> _beta = Of("--beta", "N", 8.0, "Of random_walk: the power of the affinity. Default: 8.");

    private readonly Option<int> _steps = Of("--steps", "N", 64, "Of random_walk: how many steps. Default: 64.");

    private readonly Option<string> _background = Text(
        "--background",
        "RULE",
        "fixed:0.45",
        "fixed:T (a class's score must be above T), two:LOW,HIGH (background up to LOW, ignored up to HIGH), or search (the best T on "
            + "half of the images where their pixels are known, otherwise Otsu's; writes scores). Default: fixed:0.45."
    );

    private readonly Option<LabelSource> _labels = Of(
        "--labels",
        "WHOSE",
        LabelSource.Truth,
        "Which classes an image shows: truth (the data's labels) or predicted. Default: truth."
    );

    private readonly Option<double> _threshold = Of(
        "--label-thr",
        "P",
        0.5,
        "The probability from which on a class counts as predicted. Default: 0.5."
    );

    private readonly Option<bool> _scores = new("--scores")
    {
        Description = "Also write scores/NAME.safetensors: the maps themselves, of given and of predicted classes, for tools/score-masks.",
    };

    public void AddTo(Command command)
    {
        foreach (
            var option in (Option[])
                [
                    _folder,
                    _part,
                    _source,
                    _scales,
                    _flip,
                    _mirror,
                    _affinity,
                    _affinitySource,
                    _power,
                    _beta,
                    _steps,
                    _background,
                    _labels,
                    _threshold,
                    _scores,
                ]
        )
            command.Add(option);
    }

    /// <summary>The folder that is written.</summary>
    public string Folder(ParseResult parsed) => parsed.GetRequiredValue(_folder);

    /// <exception cref="UserErrorException">A value is out of its bounds, or none that there is.</exception>
    public PseudoLabelSettings Read(ParseResult parsed)
    {
        var maps = new ScoreMapOptions(
            NumberList.Parse(_scales.Name, parsed.GetRequiredValue(_scales), 0.05, 8),
            parsed.GetValue(_flip),
            parsed.GetValue(_mirror),
            Affinity(parsed.GetRequiredValue(_affinity)),
            parsed.GetValue(_affinitySource),
            Within(_power, 0.01, 64),
            Within(_beta, 0.01, 64),
            (int)Bounded(_steps.Name, parsed.GetValue(_steps), 1, 100_000)
        );
        return new PseudoLabelSettings(
            DataParts.Named(parsed.GetRequiredValue(_part)),
            parsed.GetValue(_source),
            maps,
            BackgroundChoice.Parse(parsed.GetRequiredValue(_background)),
            parsed.GetValue(_labels),
            Within(_threshold, 0, 1),
            parsed.GetValue(_scores)
        );

        double Within(Option<double> option, double least, double most) => Bounded(option.Name, parsed.GetValue(option), least, most);
    }

    private static AffinityKind Affinity(string name)
    {
        string[] names = ["none", "patch", "pixel", "random_walk"];
        return Array.IndexOf(names, name.Replace('-', '_')) is >= 0 and var at
            ? (AffinityKind)at
            : throw new UserErrorException(
                $"--affinity is \"{name}\"; {string.Join(", ", names)} was expected.{NearestName.Suggest(name, names)}"
            );
    }

    private static double Bounded(string option, double value, double least, double most) =>
        value >= least && value <= most
            ? value
            : throw new UserErrorException(
                string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; a number from {least} to {most} was expected.")
            );

    private static Option<string> Text(string name, string helpName, string usual, string description) =>
        Of(name, helpName, usual, description);

    private static Option<T> Of<T>(string name, string helpName, T usual, string description) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => usual,
        };
}
