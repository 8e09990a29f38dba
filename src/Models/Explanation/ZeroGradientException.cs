namespace Tessera.Models.Explanation;

/// <summary>The inner exception of a mistake that may be one image's alone: the score that is to be explained changes with no place of it,
/// all derivatives being zero. Whoever explains many images leaves such a one out and goes on.</summary>
public sealed class ZeroGradientException : Exception
{
    public ZeroGradientException()
        : base("All derivatives of the score are zero.") { }

    public ZeroGradientException(string message)
        : base(message) { }

    public ZeroGradientException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>Whether a mistake has this reason.</summary>
    public static bool Is(UserErrorException error) => error.InnerException is ZeroGradientException;
}
