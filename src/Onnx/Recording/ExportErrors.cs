using Tessera.Framework.Errors;
using Tessera.Torch;

namespace Tessera.Onnx.Recording;

/// <summary>Words for what can't be exported.</summary>
internal static class ExportErrors
{
    /// <summary>An operator with its module and the shapes that it is given.</summary>
    public static string Of(RecordedOperator operation, RecordedProgram program)
    {
        var shapes = string.Join(", ", operation.Inputs.Select(input => $"[{string.Join(", ", program.Values[input].Shape)}]"));
        var module = operation.Module.Length > 0 ? operation.Module : "the model";
        return $"{module}: {operation.Name}({shapes})";
    }

    public static UserErrorException NotAlike(string place, string how) =>
        new(
            $"{place} {how} of the same size, so the model can't be written as one graph. What it does may depend on the image (it picks "
                + "parts of it, say) or on random numbers."
        );

    public static UserErrorException OtherProgram(string place, bool ofSize) =>
        ofSize
            ? new($"{place}: for images of another size or number the model does something else, so these can't be left open in the file.")
            : NotAlike(place, "is not what the model does for another image");

    public static UserErrorException NoOperator(string place) =>
        new($"{place} has no counterpart in ONNX that is known here, so the model can't be exported.");

    public static UserErrorException NoForm(string place, string what) => new($"{place}: {what}, which can't be written in ONNX.");

    public static UserErrorException NeedsOpset(string place, int opset, int has) =>
        new($"{place} needs ONNX's opset {opset}; the file is to be of opset {has}.");

    public static UserErrorException NoType(string place, string type) => new($"{place}: ONNX has no numbers of type {type}.");

    public static UserErrorException DependsOnSize(string place, string what) =>
        new($"{place}: {what} depends on the size or number of the images in a way that can't be left open in the file.");

    public static UserErrorException Unknown(string place) => new($"{place} is given a tensor that no recorded operator made.");
}
