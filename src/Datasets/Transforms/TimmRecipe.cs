using System.Globalization;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <summary>How a recipe of timm's applies its operations.</summary>
internal enum TimmRecipeKind
{
    /// <summary>Several operations, drawn one by one.</summary>
    Rand,

    /// <summary>One of several lists of operations.</summary>
    Policy,

    /// <summary>Chains of operations, mixed.</summary>
    AugMix,
}

/// <summary>What a string such as "rand-m9-mstd0.5-inc1" says.</summary>
internal sealed class TimmRecipe
{
    private static readonly string[] s_rand = ["m", "n", "p", "mstd", "mmax", "inc", "t"],
        s_mix = ["m", "w", "d", "a", "b", "mstd"],
        s_policy = ["mstd"];

    private static readonly string[] s_sets = ["weights", "3a", "3aw", "default"];

    private readonly string _text;

    /// <exception cref="UserErrorException">A piece isn't known, has no number or an impossible one.</exception>
    public TimmRecipe(string text)
    {
        _text = text;
        var pieces = text.Split('-');
        Kind = KindOf(pieces[0]);
        (Magnitude, MagnitudeStd) = Kind == TimmRecipeKind.AugMix ? (3, double.PositiveInfinity) : (10, 0);
        var (rising, set) = (false, "default");
        var seen = new HashSet<string>();
        foreach (var piece in pieces[1..])
        {
            if (Kind == TimmRecipeKind.Rand && piece.StartsWith('t'))
            {
                set = SetOf(piece);
                RequireOnce(seen, "t");
                continue;
            }
            var (key, value) = KeyOf(piece);
            RequireOnce(seen, key);
            if (key == "inc")
                rising = RequireOne(piece, value);
            else if (key == "b")
                Blended = RequireOne(piece, value);
            else
                Set(piece, key, value);
        }
        Operations = Kind switch
        {
            TimmRecipeKind.Rand => set switch
            {
                "weights" => Weighing(TimmPolicies.Weighted),
                "3aw" => Weighing(TimmPolicies.WeightedThree),
                "3a" => Each(TimmPolicies.Three),
                _ => Each(rising ? TimmPolicies.Increasing : TimmPolicies.Usual),
            },
            TimmRecipeKind.AugMix => Each(TimmPolicies.Mixed),
            _ => [],
        };
        if (Kind == TimmRecipeKind.Policy)
            Policy = TimmPolicies.Of(pieces[0]);
        if (Weights is not null && Layers > Weights.Count)
            throw Wrong($"n{Layers}", $"draws more operations than the {Weights.Count} that the set \"{set}\" has, and none twice");
    }

    public TimmRecipeKind Kind { get; }

    /// <summary>What is drawn from; empty for a policy.</summary>
    public IReadOnlyList<TimmOperation> Operations { get; }

    /// <summary>Of <see cref="Operations"/>, sum to 1; null where all come equally often.</summary>
    public IReadOnlyList<double>? Weights { get; private set; }

    /// <summary>The lists of operations of a policy.</summary>
    public IReadOnlyList<TimmOperation[]> Policy { get; } = [];

    /// <summary>Operations that are drawn for an image.</summary>
    public int Layers { get; private set; } = 2;

    /// <summary>Of each operation.</summary>
    public double Chance { get; private set; } = 0.5;

    public double Magnitude { get; private set; }

    /// <summary>Of the normal noise on magnitudes; where infinite, they are drawn evenly from 0 to the magnitude.</summary>
    public double MagnitudeStd { get; private set; }

    /// <summary>Magnitudes are cut to 0 .. this.</summary>
    public double Largest { get; private set; } = 10;

    /// <summary>Chains of AugMix.</summary>
    public int Width { get; private set; } = 3;

    /// <summary>Operations of a chain; null: 1 to 3, drawn.</summary>
    public int? Depth { get; private set; }

    public double Alpha { get; private set; } = 1;

    /// <summary>Chains are blended into the image one by one.</summary>
    public bool Blended { get; }

    private TimmRecipeKind KindOf(string head)
    {
        if (head == "rand")
            return TimmRecipeKind.Rand;
        if (head == "augmix")
            return TimmRecipeKind.AugMix;
        if (TimmPolicies.Names.Contains(head))
            return TimmRecipeKind.Policy;
        string[] known = ["rand", "augmix", .. TimmPolicies.Names];
        throw new UserErrorException(
            $"TimmAutoAugment: \"{_text}\" begins with \"{head}\".{NearestName.Suggest(head, known)} There are {string.Join(", ", known)}."
        );
    }

    private (string Key, string Value) KeyOf(string piece)
    {
        var known = Kind switch
        {
            TimmRecipeKind.Rand => s_rand,
            TimmRecipeKind.AugMix => s_mix,
            _ => s_policy,
        };
        var letters = piece.TakeWhile(letter => !char.IsAsciiDigit(letter)).Count();
        var key = piece[..letters];
        if (!known.Contains(key))
            throw Wrong(piece, $"isn't known.{NearestName.Suggest(key, known)} There are {string.Join(", ", known)}, each with its number");
        return letters < piece.Length ? (key, piece[letters..]) : throw Wrong(piece, "has no number");
    }

    private string SetOf(string piece) =>
        s_sets.Contains(piece[1..])
            ? piece[1..]
            : throw Wrong(
                piece,
                $"names no set of operations.{NearestName.Suggest(piece[1..], s_sets)} There are t{string.Join(", t", s_sets)}"
            );

    private void Set(string piece, string key, string value)
    {
        switch (key)
        {
            case "m":
                Magnitude = Whole(piece, value, 0, 1000);
                break;
            case "n":
                Layers = Whole(piece, value, 1, 100);
                break;
            case "w":
                Width = Whole(piece, value, 1, 64);
                break;
            case "d":
                Depth = Whole(piece, value, 1, 64);
                break;
            case "mmax":
                Largest = Whole(piece, value, 1, 1000);
                break;
            case "p":
                Chance = Number(piece, value, 0, 1);
                break;
            case "a":
                Alpha = Number(piece, value, 0.01, 1000);
                break;
            default:
                var std = Number(piece, value, 0, double.MaxValue);
                MagnitudeStd = Kind == TimmRecipeKind.Rand && std > 100 ? double.PositiveInfinity : std;
                break;
        }
    }

    private bool RequireOne(string piece, string value) =>
        value == "1" ? true : throw Wrong(piece, "can only be 1 (timm takes every number for 1); leave it out where it isn't wanted");

    private void RequireOnce(HashSet<string> seen, string key)
    {
        if (!seen.Add(key))
            throw Wrong(key, "is there twice");
    }

    private int Whole(string piece, string value, int low, int high) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= low && number <= high
            ? number
            : throw Wrong(piece, $"is no whole number from {low} to {high}");

    private double Number(string piece, string value, double low, double high) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
        && number >= low
        && number <= high
            ? number
            : throw Wrong(piece, high == double.MaxValue ? "is no number" : $"is no number from {low} to {high}");

    private UserErrorException Wrong(string piece, string what) => new($"TimmAutoAugment: \"{piece}\" of \"{_text}\" {what}.");

    private TimmOperation[] Each(TimmOperationKind[] kinds) =>
        Array.ConvertAll(kinds, kind => new TimmOperation(kind, Kind == TimmRecipeKind.AugMix ? 1 : Chance, Magnitude));

    private TimmOperation[] Weighing(IReadOnlyDictionary<TimmOperationKind, double> weights)
    {
        var sum = weights.Values.Sum();
        Weights = [.. weights.Values.Select(weight => weight / sum)];
        return Each([.. weights.Keys]);
    }
}
