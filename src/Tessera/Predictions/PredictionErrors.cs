using Tessera.Framework.Errors;

namespace Tessera.Predictions;

/// <summary>The words of mistakes with stored predictions.</summary>
internal static class PredictionErrors
{
    public static UserErrorException NoFile(string path, string? part)
    {
        if (!Directory.Exists(path) && !File.Exists(path))
            return new UserErrorException($"{path}: there is no such file or folder.");
        var wanted = part is null ? $"test{PredictionFolder.Ending} or val{PredictionFolder.Ending}" : part + PredictionFolder.Ending;
        return new UserErrorException(
            Directory.Exists(path)
                ? $"{path}: there are no predictions in it; {wanted} was expected in its folder predictions. Evaluating a checkpoint with "
                    + "tools/test writes them."
                : $"{path}: this is no file of predictions as tools/train and tools/test store them: its first line does not begin with "
                    + $"{{\"{PredictionKeys.Format}\": …."
        );
    }

    public static UserErrorException At(string file, long line, string what) =>
        new($"{file}:{line}  {char.ToUpperInvariant(what[0])}{what[1..]}.");
}
