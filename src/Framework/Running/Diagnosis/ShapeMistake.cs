using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>
/// Parts of a model that don't fit each other or the data: channels, sizes, patches, labels. The tensor library tells of
/// them in its own words, in the middle of a step; they are mistakes of the config, and this finds their place in it.
/// </summary>
public static partial class ShapeMistake
{
    private const int MessageLength = 400;

    /// <summary>Runs a step of a model; where its shapes don't fit, the error is the config's mistake.</summary>
    /// <param name="again">What to run to find the place; the step itself where null.</param>
    public static T Guard<T>(VisionModel model, Batch batch, Func<T> step, Action? again = null)
    {
        try
        {
            return step();
        }
        catch (Exception error) when (IsOne(error))
        {
            throw Explain(model, batch, error, again ?? (() => step()));
        }
        catch (UserErrorException error) when (Placed(model, error) is { } placed)
        {
            throw placed;
        }
    }

    /// <summary>The error of a part that names itself ("CrossEntropyLoss: class_weight has 3 values …"), with its place; null where it
    /// isn't told whose it is.</summary>
    private static UserErrorException? Placed(VisionModel model, UserErrorException error)
    {
        var end = error.Message.AsSpan().IndexOfAny(':', ' ');
        if (end <= 0)
            return null;
        var name = error.Message[..end];
        var places = model
            .named_modules()
            .Select(entry => ComponentPlace.Of(entry.module))
            .Where(place => place?.Component.Name == name)
            .Distinct()
            .ToArray();
        return places is [{ } only] ? new UserErrorException($"{only}\n  {error.Message.ReplaceLineEndings("\n  ")}", error) : null;
    }

    /// <summary>Whether the tensor library refused shapes, sizes or indices (and not, say, memory).</summary>
    public static bool IsOne(Exception error) =>
        error is ExternalException or ArgumentException or InvalidOperationException or IndexOutOfRangeException
        && error is not ObjectDisposedException
        && !error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
        && !error.Message.Contains("allocat", StringComparison.OrdinalIgnoreCase)
        && Words().IsMatch(error.Message);

    /// <summary>The mistake in a config's terms. Runs the step once more, to see which part refuses what.</summary>
    /// <param name="again">The step that failed.</param>
    public static UserErrorException Explain(VisionModel model, Batch batch, Exception error, Action again)
    {
        using var trace = new CallTrace(model);
        try
        {
            again();
        }
        catch (Exception) when (trace.Failed is not null)
        {
            // The same as the first time; the trace knows where.
        }
        catch (Exception second) when (IsOne(second)) { }
        var images = Shape(batch.Images);
        var said = FirstLines(error.Message);
        if (trace.Failed is not { } failed)
            return new UserErrorException($"{PlaceOf(model)}\n  {model.GetName()} can't take images of {images}: {said}", error);
        var (owner, place) = Owner(model, failed.Name);
        var part = owner.Length == failed.Name.Length ? "" : $" ({failed.Name}, a {failed.Module.GetName()})";
        var head = place is null ? failed.Name : place.ToString();
        var who = place?.Component.Name ?? failed.Module.GetName();
        return new UserErrorException(
            $"{head}\n  {who}{part} can't take what it is given, {string.Join(" and ", failed.Inputs.Select(Shape))}: {said}\n"
                + $"  The images of the batch are {images} (batch x channels x height x width; {batch.Samples[0].Name} …). "
                + $"{Advice(failed, place, batch)}",
            error
        );
    }

    /// <summary>The first convolution, or patch embedding, and the images' channels.</summary>
    private static string Advice(CallTrace.Call failed, ComponentPlace? place, Batch batch)
    {
        var channels = batch.Images.shape[1];
        var weight = failed.Module.named_parameters(recurse: false).FirstOrDefault(entry => entry.name == "weight").parameter;
        if (
            weight is { } filters
            && filters.dim() == 4
            && failed.Inputs is [var input]
            && input.SequenceEqual(batch.Images.shape)
            && filters.shape[1] != channels
        )
        {
            var option =
                place is not null && place.Component.Keys.Any(key => key.Name == "in_channels")
                    ? $"\"in_channels\": {channels} in {place.Path} lets the model take them; "
                    : "";
            var load = (channels, filters.shape[1]) switch
            {
                (1, 3) => "LoadImage's color_type \"color\" in the dataset's pipeline makes three of one",
                (3, 1) => "LoadImage's color_type \"grayscale\" in the dataset's pipeline makes one of three",
                _ => "LoadImage's color_type decides how many the images have",
            };
            return $"They have {channels} {(channels == 1 ? "channel" : "channels")}, the model takes {filters.shape[1]}. "
                + $"{option}{load}. Normalize's mean and std need as many values.";
        }
        return "Compare the sizes and channels that the parts of the model are configured for with these, and the sizes that the "
            + "pipelines of train and val give.";
    }

    /// <summary>The nearest part around a module that a config describes.</summary>
    private static (string Name, ComponentPlace? Place) Owner(VisionModel model, string name)
    {
        var modules = model.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        for (var at = name; at.Length > 0; at = at.LastIndexOf('.') is > 0 and var dot ? at[..dot] : "")
        {
            if (modules.TryGetValue(at, out var module) && ComponentPlace.Of(module) is { } place)
                return (at, place);
        }
        return ("", ComponentPlace.Of(model));
    }

    private static string PlaceOf(VisionModel model) => ComponentPlace.Of(model)?.ToString() ?? "model";

    private static string Shape(Tensor tensor) => Shape(tensor.shape);

    private static string Shape(long[] shape) => $"[{string.Join(" x ", shape)}]";

    /// <summary>The tensor library puts a trace of its own behind its messages.</summary>
    private static string FirstLines(string message)
    {
        var end = message.IndexOf("\nException raised from", StringComparison.Ordinal);
        var text = string.Join(
            ' ',
            (end < 0 ? message : message[..end]).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Take(3)
        );
        return text.Length <= MessageLength ? text : text[..MessageLength] + "…";
    }

    [GeneratedRegex(
        @"\bchannels?\b|\bshapes?\b|\bsizes?\b|\bdim(ension)?s?\b|out of (bounds|range)|must match|mat1|"
            + @"\bexpand|\bbroadcast|\bpadding\b|\bindex\b|equal|too small|per channel",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Words();
}
