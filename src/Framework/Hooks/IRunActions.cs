using Tessera.Framework.Checkpoints;

namespace Tessera.Framework.Hooks;

/// <summary>What a run does when a hook asks for it. The trainer has it; a test of a hook may give its own.</summary>
public interface IRunActions
{
    /// <summary>Evaluates now, with the hooks around it; nothing where the run is not evaluated.</summary>
    void Evaluate();

    /// <summary>Everything that a resumed run needs. All processes call it together; the tensors live until the next step.</summary>
    StateWriter Capture();

    /// <summary>What a checkpoint written now says of itself.</summary>
    CheckpointInfo Describe();
}
